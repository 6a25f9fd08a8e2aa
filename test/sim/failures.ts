/** A loop that ended, or work that was given up; other errors are of the world, and it is right to log them. */
const FAILED = /"[a-z: ]*failed"/;

/** What of the errors that were logged should never be. */
export function failuresIn(errors: readonly unknown[]): readonly string[] {
  return errors
    .map(textOf)
    .filter((text) => FAILED.test(text))
    .map((text) => `logged: ${text}`);
}

function textOf(entry: unknown): string {
  return JSON.stringify(entry, (_, value: unknown) =>
    value instanceof Error ? (value.stack ?? value.message) : value,
  );
}
