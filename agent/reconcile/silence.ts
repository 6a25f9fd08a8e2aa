import { eachOf, type Parts } from '../../daemon/parts.ts';
import type { Silence as SilenceNow } from '../../protocol/explain.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { Counter } from '../model/counter.ts';
import { type EntryState, standsOn, unarmed } from '../model/state.ts';
import type { Kernel } from '../ports.ts';
import type { Decision } from './decision.ts';
import { cameSince, type Idle } from './idle.ts';
import type { Ledger } from './ledger.ts';
import type { Schedule } from './schedule.ts';
import type { Sight } from './sight.ts';
import type { Slots } from './slots.ts';
import type { Waiting } from './waiting.ts';

/** Entries in these states are gone by a rule of their own, and come back by none but an operator's word. */
const HAVE_ENDED: ReadonlySet<EntryState['state']> = new Set(['idle', 'expired', 'denied']);
/** So many states are looked through in one go: a millisecond. */
const AT_ONCE = 2_048;
/** The most slots that are given away at once: of them one commit is made. */
const SPARED_MAX = 1_000;

export interface SilenceParts {
  readonly kernel: Pick<Kernel, 'counts' | 'clock'>;
  readonly ledger: Ledger;
  readonly schedule: Schedule;
  readonly idle: Idle;
  readonly waiting: Waiting;
  readonly slots: Slots;
  /** Whether the entry of a key is there. */
  readonly stands: (key: string) => boolean;
  /** Nobody holds these any more. */
  readonly release: (slots: ReadonlySet<number>) => void;
}

/**
 * Gives up redirects that no packet meets any more, and slots of what has ended. It is found twice that nobody came: before
 * the disk has it, and when no CPU can count into the entry that is gone.
 */
export class Silence {
  readonly #parts: SilenceParts;
  #more = false;
  #missed = false;
  /** Keys that an agent before this one gave up, and whose entries stand. */
  #inherited: string[] = [];

  constructor(parts: SilenceParts) {
    this.#parts = parts;
  }

  /** Whether it is time to look for it, which takes a look at every slot. */
  get isDue(): boolean {
    const { idle, kernel } = this.#parts;
    return idle.watches && idle.isDue(kernel.clock.now());
  }

  /** The disk has it of some, and their entries still stand. */
  get givesUp(): boolean {
    return this.#parts.idle.givesUp;
  }

  /** Some were given up, and others are silent as long: they are not to wait for the next look. */
  get more(): boolean {
    return this.#more && this.isDue;
  }

  /** How keys stand that have been silent long enough, to be stored before they are given up. */
  find(sight: Pick<Sight, 'since'>, nowMs: number): readonly EntryState[] {
    const { idle, kernel, ledger } = this.#parts;
    this.#more = false;
    const now = kernel.clock.now();
    return idle.silent(kernel.counts, sight, now).flatMap((key): EntryState[] => {
      const { rev = 0, slot = null } = ledger.states.get(key) ?? {};
      const [counted] = slot === null ? [] : kernel.counts.counters([slot]);
      if (counted === undefined || !idle.isSilent(key, counted, sight, now)) return [];
      return [{ key, rev, slot, state: 'idle', sinceMs: nowMs, counted }];
    });
  }

  /** The disk has it that they are idle. What was desired otherwise since is left. */
  giveUp(rows: readonly EntryState[]): void {
    const { idle, ledger, schedule } = this.#parts;
    for (const row of rows) {
      const standing = ledger.states.get(row.key);
      if (standing?.state !== 'installed' || standing.rev !== ledger.desired.get(row.key)?.rev) continue;
      idle.giveUp(standing);
      ledger.states.set(row.key, row);
      schedule.markDue([row.key]);
    }
    this.#more = true;
  }

  /** Of what an agent before this one gave up, that somebody came to before it could go: it is to stand on. Answers the keys, once. */
  recall(): readonly string[] {
    const { kernel, ledger } = this.#parts;
    const rows = this.#inherited.splice(0).flatMap((key) => ledger.states.get(key) ?? []);
    if (rows.length === 0) return [];
    const last = kernel.counts.counters(rows.map(({ slot }) => slot ?? 0));
    const met = rows.filter(({ state, slot, counted }, at) => {
      return state === 'idle' && slot !== null && cameSince(counted, last[at]);
    });
    for (const row of met) ledger.states.set(row.key, { ...row, state: 'pending' });
    return met.map(({ key }) => key);
  }

  /** The last counts of those whose entries are gone by now. */
  last(decisions: readonly Decision[]): ReadonlyMap<string, Counter> {
    const { kernel } = this.#parts;
    const gone = decisions.filter(({ state, slot, ops }) => state === 'idle' && slot !== null && ops.length > 0);
    const counters = kernel.counts.settled(gone.map(({ slot }) => slot ?? 0));
    return new Map(gone.map(({ key }, i) => [key, counters[i] as Counter]));
  }

  /**
   * Looks through what an agent before this one stored: of entries that are not there, or of redirects that packets met after it
   * died.
   */
  *reconsider(): Parts<void> {
    const { idle: given, kernel, ledger, stands } = this.#parts;
    const idle: EntryState[] = [];
    yield* eachOf(ledger.states.values(), AT_ONCE, (state) => {
      const isMissing = state.armed !== undefined && !stands(state.key);
      const row = isMissing ? unarmed(state) : state;
      this.#missed ||= isMissing;
      if (row !== state) ledger.states.set(row.key, row);
      if (row.state === 'idle' && row.slot !== null) idle.push(row);
    });
    if (idle.length === 0) return;
    const seen = kernel.counts.seen();
    yield* eachOf(idle, AT_ONCE, (row) => {
      const last = { packets: 0n, bytes: 0n, seen: BigInt(seen[row.slot ?? 0] ?? 0) };
      if (cameSince(row.counted, last)) ledger.states.set(row.key, { ...row, state: 'pending' });
      else if (stands(row.key)) {
        given.giveUp(asItStood(row)); // it died before the kernel op, and somebody may come yet
        this.#inherited.push(row.key);
      }
    });
  }

  /** Whether entries were not there that ought to have been, once: no packet met those. */
  takeMissed(): boolean {
    const missed = this.#missed;
    this.#missed = false;
    return missed;
  }

  /** What silence a redirect is in; undefined where it is never given up. */
  of({ key, idle: option, match }: Intent, sight: Pick<Sight, 'since' | 'interfaces'>): SilenceNow | undefined {
    if (option === undefined) return undefined;
    const { idle, kernel } = this.#parts;
    const by = sight.interfaces.filter((name) => match.in === undefined || match.in === name);
    const leftMs = idle.leftMs(key, kernel.counts, sight, kernel.clock.now());
    return { by, ...(leftMs !== undefined && { leftMs }) };
  }

  /** These are stored as armed again: they are decided on anew. */
  arm(rows: readonly EntryState[]): void {
    const { ledger, schedule } = this.#parts;
    for (const row of rows) ledger.states.set(row.key, row);
    schedule.markDue(rows.map(({ key }) => key));
  }

  /** How keys stand that give their slots to those who wait, while none is free; to be stored before anybody has them. */
  spare(): readonly EntryState[] {
    const { idle, kernel, ledger, slots, waiting } = this.#parts;
    if (waiting.forSlots === 0 || slots.free.length > 0) return [];
    const ended = ledger.states
      .others()
      .filter((row) => row.slot !== null && HAVE_ENDED.has(row.state) && !standsOn(row) && !idle.isGivenUp(row.key));
    return [...ended.take(Math.min(waiting.forSlots, SPARED_MAX))].map((row) => {
      const [counted] = kernel.counts.counters([row.slot ?? 0]);
      return { ...row, slot: null, ...(counted && { counted }) };
    });
  }

  giveAway(rows: readonly EntryState[]): void {
    const { ledger, release, slots } = this.#parts;
    const given = new Set<number>();
    for (const row of rows) {
      const { slot = null } = ledger.states.get(row.key) ?? {};
      if (slot === null) continue;
      ledger.states.set(row.key, row);
      slots.drop(slot, row.key);
      given.add(slot);
    }
    release(given);
  }
}

function asItStood({ counted: _, ...row }: EntryState): EntryState {
  return { ...row, state: 'installed' };
}
