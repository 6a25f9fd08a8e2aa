import { EXIT, Failure } from './line/failure.ts';

/** One page of a list; `next` is where the following one starts, null at the end. */
interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** Reads a list to its end. A peer whose pages do not get on is refused, instead of being asked for ever. */
export async function collect<T>(read: (after: string | undefined) => Promise<Page<T>>): Promise<readonly T[]> {
  const items: T[] = [];
  const seen = new Set<string>();
  for (let after: string | undefined; ; ) {
    const page = await read(after);
    for (const item of page.items) items.push(item);
    if (page.next === null) return items;
    if (seen.has(page.next))
      throw new Failure(EXIT.refused, 'FAILED', `the list does not end: a second page starts after ${page.next}`);
    seen.add(page.next);
    after = page.next;
  }
}
