/** A loop that ended, or work that was given up; other errors are of the world, and it is right to log them. */
const FAILED = /"[a-z: ]*failed"/;

/** A database that somebody else has for himself is of the world. */
const BUSY = 'somebody else has the database';

/** What of the errors that were logged should never be. */
export function failuresIn(errors: readonly unknown[]): readonly string[] {
  return errors
    .map(textOf)
    .filter((text) => FAILED.test(text) && !text.includes(BUSY))
    .map((text) => `logged: ${text}`);
}

function textOf(entry: unknown): string {
  return JSON.stringify(entry, (_, value: unknown) =>
    value instanceof Error ? (value.stack ?? value.message) : value,
  );
}
