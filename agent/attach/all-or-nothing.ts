import { AttachError } from './attach-error.ts';

/**
 * Does all of something, or takes back what of it was done: each step defers its own way back. Errors: those of `act`, and
 * AttachError that says what of it could not be taken back.
 */
export function allOrNothing<T>(act: (undo: DisposableStack) => T): T {
  const undo = new DisposableStack();
  try {
    return act(undo);
  } catch (error) {
    takeBack(undo, error);
    throw error;
  }
}

function takeBack(undo: DisposableStack, cause: unknown): void {
  try {
    undo.dispose();
  } catch (left) {
    const text = `${messageOf(cause)}; not all that was begun could be taken back: ${messageOf(left)}; run \`shunt detach\``;
    throw new AttachError(text, { cause });
  }
}

/** Of several, the one that came first. */
function messageOf(error: unknown): string {
  if (error instanceof SuppressedError) return messageOf(error.suppressed);
  return error instanceof Error ? error.message : String(error);
}
