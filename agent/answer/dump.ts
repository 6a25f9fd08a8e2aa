import type { Clock } from '../../daemon/clock.ts';
import { type AskRequest, type Dump, type DumpEntry, type KernelEntry, MAX_LIMIT } from '../../protocol/ask.ts';
import type { Intent } from '../../protocol/intent.ts';
import { bytesOf } from '../../protocol/json.ts';
import type { HostProblem } from '../../protocol/status.ts';
import type { Counter } from '../model/counter.ts';
import type { EntryState } from '../model/state.ts';
import type { Kernel, KernelTime, ObservedEntry } from '../ports.ts';

/** What a dump is made of. */
export interface DumpView {
  readonly desired: ReadonlyMap<string, Intent>;
  readonly states: ReadonlyMap<string, EntryState>;
  entryOf(key: string): ObservedEntry | undefined;
  /** What is wrong with the maps as a whole. */
  readonly mapProblems: readonly HostProblem[];
}

/** For so long the pages of one dump share a sorted list of keys. */
const KEYS_FRESH_MS = 5_000;

/** Answers `ask … dump`: each intent with its state, its counters now, and what the kernel holds of it. */
export class Dumper {
  readonly #host: string;
  readonly #view: DumpView;
  readonly #kernel: Pick<Kernel, 'counts' | 'clock'>;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #keys: readonly string[] = [];
  #keysAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    host: string,
    view: DumpView,
    kernel: Pick<Kernel, 'counts' | 'clock'>,
    clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.#host = host;
    this.#view = view;
    this.#kernel = kernel;
    this.#clock = clock;
  }

  /** A page of as many entries as are asked for, and fit; `problems` say why the host may have others. */
  page(request: AskRequest, budgetBytes: number, problems: readonly HostProblem[] = []): Dump {
    const keys = this.#sorted(request.after === undefined);
    const from = request.after === undefined ? 0 : firstAfter(keys, request.after);
    const { items, read } = this.#fill(
      keys.slice(from, from + (request.limit ?? MAX_LIMIT)),
      budgetBytes - bytesOf(problems),
    );
    const next = from + read < keys.length ? (keys[from + read - 1] ?? null) : null;
    return { v: 1, host: this.#host, ...(problems.length > 0 && { problems }), items, next };
  }

  /** One entry at least, or a list would not lead on; `read` counts the keys up to the last of them. */
  #fill(keys: readonly string[], budgetBytes: number): { readonly items: readonly DumpEntry[]; readonly read: number } {
    const now = this.#kernel.clock.now();
    const items: DumpEntry[] = [];
    let bytes = 0;
    for (const [read, key] of keys.entries()) {
      const entry = this.#entry(key, now);
      if (entry === undefined) continue;
      bytes += bytesOf(entry) + 1;
      if (bytes > budgetBytes && items.length > 0) return { items, read };
      items.push(entry);
    }
    return { items, read: keys.length };
  }

  #sorted(anew: boolean): readonly string[] {
    const nowMs = this.#clock.monotonicMs();
    if (anew || nowMs - this.#keysAtMs > KEYS_FRESH_MS) {
      this.#keys = [...this.#view.desired.keys()].sort();
      this.#keysAtMs = nowMs;
    }
    return this.#keys;
  }

  #entry(key: string, now: KernelTime): DumpEntry | undefined {
    const intent = this.#view.desired.get(key);
    if (intent === undefined) return undefined;
    const at = this.#view.states.get(key);
    const slot = at?.slot ?? null;
    const entry = this.#view.entryOf(key);
    const counter = slot === null ? at?.counted : this.#kernel.counts.counters([slot])[0];
    return {
      key,
      name: intent.name,
      rev: intent.rev,
      state: at?.state ?? 'pending',
      ...(at?.code === undefined ? {} : { code: at.code }),
      slot,
      packets: (counter?.packets ?? 0n).toString(),
      bytes: (counter?.bytes ?? 0n).toString(),
      seenMsAgo: msAgo(counter, now),
      to: intent.to,
      entry: entry === undefined ? null : kernelEntry(entry),
    };
  }
}

/** Milliseconds since the last hit, null when there was none. */
export function msAgo(counter: Counter | undefined, now: KernelTime): number | null {
  if (counter === undefined || counter.seen === 0n) return null;
  return Math.max(0, Math.round((Number(now.jiffies - counter.seen) * 1000) / now.hz));
}

export function kernelEntry({ value }: ObservedEntry): KernelEntry {
  const { ifindex, dmac, smac, mtu, action, until } = value;
  return { ifindex, dmac, smac, mtu, action, until: until.toString() };
}

/** Index of the first key after `after` in a sorted list. */
function firstAfter(keys: readonly string[], after: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as string) <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
