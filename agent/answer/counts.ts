import type { Clock } from '../../daemon/clock.ts';
import type { Count, CountsReply, CountsRequest } from '../../protocol/counts.ts';
import type { Intent } from '../../protocol/intent.ts';
import { bytesOf } from '../../protocol/json.ts';
import { Refused } from '../../protocol/refused.ts';
import type { Stats } from '../../protocol/stats.ts';
import type { Counter } from '../model/counter.ts';
import type { EntryState } from '../model/state.ts';
import type { Kernel, KernelTime, PassedHits } from '../ports.ts';
import { type DumpView, msAgo } from './dump.ts';
import { passedOf } from './explain.ts';
import { shorten } from './shorten.ts';
import { fewerLosses } from './stats.ts';

/** What counts are told of. */
export interface CountsParts {
  readonly host: string;
  /** This start of the agent. */
  readonly boot: string;
  readonly view: Pick<DumpView, 'desired' | 'states'> & { readonly holders: { readonly turns: Readonly<Uint32Array> } };
  readonly kernel: Pick<Kernel, 'counts' | 'clock'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly stats: () => Stats;
}

/**
 * Answers `ask … counts`: what some redirects counted, and the host, at one moment. Errors: KernelError; Refused TOO_LARGE where the
 * answer would be too long, since nothing that was asked for is left out.
 */
export function tellCounts(parts: CountsParts, { keys }: CountsRequest, maxBytes: number): CountsReply {
  const { host, boot, view, kernel, clock } = parts;
  const asked = new Set(keys);
  const intents = [...asked].flatMap((key) => view.desired.get(key) ?? []);
  const now = kernel.clock.now();
  const counters = intents.map((intent) => counterOf(parts, intent));
  const passed = kernel.counts.passed(); // after them: what is passed is never taken for sent
  const items = intents.map((intent, at) => countOf(parts, intent, counters[at], now, passed));
  const { at, verdicts, losses, lost, unwatched } = parts.stats();
  const reply: CountsReply = {
    ...{ v: 1, host, boot, counterEpoch: kernel.counts.epoch, at, monotonicMs: Math.floor(clock.monotonicMs()) },
    items,
    absent: [...asked].filter((key) => !view.desired.has(key)),
    ...{ verdicts, losses, lost, unwatched },
  };
  const fitting = shorten(reply, maxBytes, fewerLosses);
  if (bytesOf(fitting) <= maxBytes) return fitting;
  const room = `a message on this bus holds ${maxBytes}`;
  throw new Refused(
    'TOO_LARGE',
    'keys',
    `an answer of ${bytesOf(fitting)} bytes, and ${room}; ask for fewer keys at once`,
  );
}

function counterOf({ view, kernel }: CountsParts, { key }: Intent): Counter | undefined {
  const at = view.states.get(key);
  return at?.slot === undefined || at.slot === null ? at?.counted : kernel.counts.counters([at.slot])[0];
}

function countOf(
  { view }: CountsParts,
  { key, name, rev }: Intent,
  counter: Counter | undefined,
  now: KernelTime,
  hits: PassedHits,
): Count {
  const at = view.states.get(key);
  return {
    ...{ key, name, rev, state: at?.state ?? 'pending' },
    counting: countingOf(at, view.holders.turns),
    packets: (counter?.packets ?? 0n).toString(),
    bytes: (counter?.bytes ?? 0n).toString(),
    seenMsAgo: msAgo(counter, now),
    passed: passedOf(hits, at?.slot ?? null),
  };
}

/** Who has a slot counts there from zero on; who gave his away has what it counted. */
function countingOf(at: EntryState | undefined, turns: Readonly<Uint32Array>): string {
  if (at?.slot === undefined || at.slot === null) return at?.counted === undefined ? 'none' : 'kept';
  return `${at.slot}.${turns[at.slot] ?? 0}`;
}
