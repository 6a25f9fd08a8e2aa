/** A piece of work; where it yields, others may have their turn. */
export type Parts<T> = Generator<void, T>;

/** Does all parts, one after the other. */
export function atOnce<T>(parts: Parts<T>): T {
  for (let part = parts.next(); ; part = parts.next()) if (part.done === true) return part.value;
}

/** Does them, and others have their turn in between. */
export async function inTurns<T>(parts: Parts<T>, turn: () => Promise<void>): Promise<T> {
  let part = parts.next();
  for (; part.done !== true; part = parts.next()) await turn();
  return part.value;
}

/** Takes one item after the other, and none after one that is answered by false; `most` of them make a part. */
export function* eachOf<T>(items: Iterable<T>, most: number, take: (item: T) => unknown): Parts<void> {
  let taken = 0;
  for (const item of items) {
    if (taken % most === 0) yield;
    taken += 1;
    if (take(item) === false) return;
  }
}
