import { MAX_LIMIT } from '../protocol/ask.ts';
import type { GetItem, Rest } from '../protocol/listings.ts';
import { EXIT, Failure } from './line/failure.ts';
import type { Terminal } from './show/terminal.ts';

/** One page of a list; `next` is where the following one starts, null at the end. */
interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** Reads a list to its end, and shows how far it has come. A peer whose pages do not get on is refused, instead of being asked for ever. */
export async function collect<T>(
  read: (after: string | undefined) => Promise<Page<T>>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<readonly T[]> {
  const items: T[] = [];
  const seen = new Set<string>();
  try {
    for (let after: string | undefined; ; ) {
      const page = await read(after);
      for (const item of page.items) items.push(item);
      if (page.next === null) return items;
      if (seen.has(page.next)) throw endless(page.next);
      seen.add(page.next);
      terminal.progress(`${items.length} read`);
      after = page.next;
    }
  } finally {
    terminal.progress('');
  }
}

/** How many items to ask for at once. A peer that does not cut its answers says that they are too large: it is asked for fewer. */
export class Portion {
  #limit = MAX_LIMIT;

  async read<T>(ask: (limit: number) => Promise<T>, most = MAX_LIMIT): Promise<T> {
    for (;;) {
      try {
        return await ask(Math.min(this.#limit, most));
      } catch (error) {
        if (!(error instanceof Failure) || error.code !== 'TOO_LARGE' || this.#limit === 1) throw error;
        this.#limit = Math.min(this.#limit, most) >> 1 || 1;
      }
    }
  }
}

/** Reads what an item left out, and puts it together. It ends where a controller knows no more of it. */
export async function complete(
  first: GetItem,
  read: (rest: Rest) => Promise<readonly GetItem[]>,
): Promise<Omit<GetItem, 'selector' | 'rest'>> {
  const { selector = [], rest: _, ...whole } = first;
  const listed = [...selector];
  const joined = {
    ...whole,
    hosts: [...whole.hosts],
    shadowed: [...whole.shadowed],
    notSent: [...(whole.notSent ?? [])],
  };
  for (let { rest } = first; rest !== undefined; ) {
    const [more] = await read(rest);
    if (more === undefined) break;
    joined.hosts.push(...more.hosts);
    joined.shadowed.push(...more.shadowed);
    joined.notSent.push(...(more.notSent ?? []));
    listed.push(...(more.selector ?? []));
    if (JSON.stringify(more.rest) === JSON.stringify(rest)) throw endless(String(whole.spec.name));
    rest = more.rest;
  }
  const { notSent, ...item } = joined;
  const spec = listed.length === 0 ? item.spec : { ...item.spec, hosts: listed };
  return { ...item, spec, ...(notSent.length > 0 && { notSent }) };
}

function endless(place: string): Failure {
  return new Failure(EXIT.refused, 'FAILED', `the list does not end: a second page starts after ${place}`);
}
