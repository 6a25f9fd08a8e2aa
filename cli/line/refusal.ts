import { Refused } from '../../protocol/refused.ts';

/** The reason of a refusal without its path, which stands before it already. */
export function reasonOf({ path, message }: { readonly path: string; readonly message: string }): string {
  return path !== '' && message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message;
}

/** Does what may refuse its input; the refusal becomes the error that `make` makes. */
export function orElse<T>(read: () => T, make: (refused: Refused) => Error): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof Refused ? make(error) : error;
  }
}
