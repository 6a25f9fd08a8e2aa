import { setTimeout } from 'node:timers/promises';
import type { GetItem } from '../protocol/listings.ts';
import { mayPass } from './line/failure.ts';
import { type Listed, nameOf } from './listing.ts';
import { notice } from './show/terminal.ts';

const EVERY_MS = 2000;

/** How a change is told. */
export interface Teller {
  /** `names`: those that are new or stand otherwise than before. */
  changed(listed: Listed, names: ReadonlySet<string>): void;
  gone(name: string): void;
}

/** Looks again and again, and tells what changed since `first`. Errors: Failure, but for a controller that is away for a while. */
export async function watchListing(
  first: Listed,
  look: () => Promise<Listed>,
  teller: Teller,
  terminal: Parameters<typeof notice>[0],
  signal: AbortSignal,
  everyMs = EVERY_MS,
): Promise<void> {
  let known = standingOf(first);
  let away = false;
  while (await pause(everyMs, signal)) {
    const listed = await look().catch((error: unknown) => {
      if (!mayPass(error)) throw error;
      if (!away) notice(terminal, `${error.message}; what is shown may be old`);
    });
    away = listed === undefined;
    if (listed === undefined) continue;
    const now = standingOf(listed);
    const names = new Set([...now].flatMap(([name, text]) => (known.get(name) === text ? [] : [name])));
    for (const name of known.keys()) if (!now.has(name)) teller.gone(name);
    if (names.size > 0) teller.changed(listed, names);
    known = now;
  }
}

/** False at the end. */
async function pause(everyMs: number, signal: AbortSignal): Promise<boolean> {
  return setTimeout(everyMs, true, { signal }).catch(() => false);
}

/** What of each redirect is told when it changes: not its age, nor how many packets meet it. */
function standingOf({ items }: Listed): ReadonlyMap<string, string> {
  return new Map(items.map((item) => [nameOf(item), JSON.stringify(essence(item))]));
}

function essence({ spec, set, rev, live, hostsTotal, shadowedTotal, notSentTotal, refused }: GetItem): object {
  return { spec, set, rev, live, hostsTotal, shadowedTotal, notSentTotal, refused };
}
