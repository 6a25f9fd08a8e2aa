import { isDeepStrictEqual } from 'node:util';
import type { EntryValue } from '../../agent/model/entry.ts';
import type { Op } from '../../agent/model/op.ts';
import type { EntryState } from '../../agent/model/state.ts';
import type { Cursor } from '../../protocol/cursor.ts';
import type { Intent } from '../../protocol/intent.ts';
import { matchOfKey } from '../../protocol/key.ts';
import type { HostItem } from '../../protocol/listings.ts';
import { shapeOf, shapeText } from '../../protocol/shape.ts';
import type { Status } from '../../protocol/status.ts';
import { NEIGHBOURS, redirectKey } from './addresses.ts';
import { HELD } from './fleet-check.ts';
import type { Host } from './host.ts';
import { expectedOn } from './oracle.ts';
import type { HostName } from './schedule.ts';

/** By so much a host's idea of the time may be wrong. */
const SLACK_MS = 2_000;
/** A deadline that stands is kept while it is as good; what a page said may have been said before. */
const EARLY_MS = 4_000;
const LATE_MS = 900_000;
/** Its store does not say any more what it held. */
const LOST = ['ADOPTING', 'STORE_DAMAGED'];

export interface Seen {
  readonly name: HostName;
  readonly status: Status | undefined;
  readonly listed: HostItem | undefined;
  readonly specs: readonly object[];
  readonly nowMs: number;
  /** Whether a database was put back, so that a host may know more than its controller. */
  readonly mayBeHeld: boolean;
}

/** What does not hold of a host that has had its time (I1, I2, I5); what is not converged has to say why. */
export function checkQuiet(host: Host, { name, status, listed, specs, nowMs, mayBeHeld }: Seen): readonly string[] {
  const says = (what: string): string => `${name}: ${what}`;
  if (status === undefined || listed === undefined) return [says('was never heard')];
  const held = (status.problems ?? []).some(({ code }) => HELD.includes(code));
  const stands = new Map([...host.entries()].map(([key, { value }]) => [key, value.action]));
  const set = [...host.known.keys()].sort();
  // What stands is kept whatever the store says, where that is lost, too.
  const isLost = (status.problems ?? []).some(({ code }) => LOST.includes(code));
  if (held && mayBeHeld && isLost) return [];
  if (held && mayBeHeld)
    return same(
      'kernel, though it is held',
      [...stands.keys()].filter((key) => !set.includes(key)),
      [],
    ).map(says);
  const { wanted, standing } = expectedOn(name, host.labels, specs, { can: host.can, nowMs });
  const { stored, applied, verified } = status;
  return [
    ...same(
      'problems',
      (status.problems ?? []).map(({ code }) => code),
      [],
    ),
    ...same('set', set, wanted),
    ...same('kernel', sorted(stands), sorted(withRoom(standing, stands, host.kernel.limits.shapes))),
    ...same('stored, applied, verified', [stored, applied, verified], [listed.head, listed.head, listed.head]),
    ...same(
      'listed',
      [listed.stored, listed.applied, listed.verified, listed.standing],
      [stored, applied, verified, 'ok'],
    ),
    ...same('installed', status.counts.installed, stands.size),
  ].map(says);
}

/** The newest change of a key in the log of a host. */
type Newest = (key: string) => { readonly op: 'put' | 'delete'; readonly rev: number } | undefined;

interface Outside {
  readonly newest: Newest;
  /** Whether a cursor is of the controllers' own history. */
  readonly isOurs: (cursor: Cursor) => boolean;
  /** The controllers' time. */
  readonly nowMs: () => number;
  /** Whether hosts may go by somebody else's. */
  readonly isStrange: () => boolean;
}

interface Written {
  readonly value: EntryValue;
  readonly epoch: string;
  /** Of this, as far as it was stored. */
  readonly intent: Intent | undefined;
}

/**
 * What an op does that it must not, at the moment at which it is asked for:
 * - it writes what is not stored, or not of that revision (R8, I2), or an older revision than stood before (I4);
 * - it deletes what stands, though its newest change is a put that the host has (I8), and nothing else speaks against it.
 */
export class OpCheck {
  readonly #host: Host;
  readonly #outside: Outside;
  /** Revisions by redirect, of each making of the maps: with them a host may have lost the only word that it knew more once. */
  readonly #written = new WeakMap<object, Map<string, Written>>();
  /** How far the mark of maps ever went: it is the host's word on what it has, whatever it says later. */
  readonly #marked = new WeakMap<object, number>();
  /** What was stored with the last set, with the one before, and when that was replaced. */
  #stored: ReadonlyMap<string, Intent> = new Map();
  #former: ReadonlyMap<string, Intent> = new Map();
  #replacedMs = Number.NaN;

  constructor(host: Host, outside: Outside) {
    this.#host = host;
    this.#outside = outside;
  }

  /** The disk has another set. */
  accepted(): void {
    this.#former = this.#stored;
    this.#stored = this.#host.known;
    this.#replacedMs = this.#outside.nowMs();
  }

  of(op: Op): readonly string[] {
    const { kernel, maps } = this.#host;
    this.#marked.set(maps, Math.max(kernel.mark()?.rev ?? 0, this.#marked.get(maps) ?? 0));
    if (op.op === 'write') return this.#write(redirectKey(op.key), op.value);
    return op.op === 'delete' ? this.#delete(redirectKey(op.key)) : [];
  }

  /** A redirect is given up in silence only. A packet may come while the disk takes that. */
  saved(rows: readonly EntryState[]): readonly string[] {
    const { silence, store, known, givenUp } = this.#host;
    return rows.flatMap(({ key, rev, state }) => {
      if (state === 'idle') givenUp.stored(key);
      const before = store.rows.get(key);
      const { idle, rev: wanted } = known.get(key) ?? {};
      const { afterMs = 0, rearm } = idle ?? {};
      const was = before?.state === 'idle' && (rev <= before.rev || rearm === 'never');
      // What is desired otherwise by then is not given up; what its revision before waited for nobody knows here.
      if (state !== 'idle' || was || wanted !== rev) return [];
      const silentMs = silence.of(key);
      return silentMs < afterMs ? [`stores ${key} as given up after ${silentMs} ms, and not ${afterMs}`] : [];
    });
  }

  #write(id: string, value: EntryValue): readonly string[] {
    const { rev } = value;
    const { store, kernel, maps } = this.#host;
    const wanted = this.#wanted(id, rev);
    const { epoch } = store.stored.cursor;
    const written = this.#written.get(maps) ?? new Map<string, Written>();
    const before = written.get(id);
    this.#written.set(maps, written.set(id, { value, epoch, intent: wanted }));
    // By decree a host goes back to what another log says.
    const isDecreed = this.#host.goesBack || (before?.epoch !== epoch && this.#outside.newest(id) === undefined);
    const mark = kernel.mark();
    const isAhead = mark === undefined || (mark.epoch === epoch && rev > mark.rev);
    const isOlder = before !== undefined && rev < before.value.rev && !isDecreed;
    if (rev !== before?.value.rev) this.#host.silence.stood(id);
    return [
      ...same(`writes ${id} with rev`, rev, wanted?.rev ?? 'nothing stored'),
      ...(isAhead ? [`writes ${id} with rev ${rev}, and the mark is ${mark?.rev ?? 'not there'}`] : []),
      ...(isOlder ? [`writes ${id} with rev ${rev} after ${before.value.rev}`] : []),
      ...(this.#host.givenUp.has(id) ? [`writes ${id} with rev ${rev}, which was given up in silence`] : []),
      ...this.#untimely(id, value),
      ...(goesThere(wanted?.to, value) ? [] : [`writes ${id} to ${value.dmac}, and not to its next hop`]),
    ];
  }

  /** Who converges is told of what the disk has in the same moment, and may be at work just then; what the brake withholds stays as it stood. */
  #wanted(id: string, rev: number): Intent | undefined {
    const { brake, stored: now } = this.#host.store;
    const kept = brake?.seq === now.seq ? brake.memory.withheld.find(({ key }) => key === id)?.last : undefined;
    const [stored, former] = [kept ?? this.#host.known.get(id), this.#former.get(id)];
    const isAtWork = stored?.rev !== rev && former?.rev === rev && this.#outside.nowMs() === this.#replacedMs;
    return isAtWork ? former : stored;
  }

  #delete(id: string): readonly string[] {
    const { maps, kernel, nextHops } = this.#host;
    const entry = this.#host.entries().get(id);
    const newest = this.#outside.newest(id);
    const had = this.#marked.get(maps) ?? 0;
    if (entry === undefined || !entry.sound) return [];
    this.#goes(id);
    // Where it goes says what it wrote: since then somebody else may have written there.
    const written = this.#written.get(maps)?.get(id)?.value ?? entry.value;
    if (nextHops.areCutOff(kernel, written, written.action !== entry.value.action)) return [];
    const early = this.#isEarly(id, entry.value);
    if (early || newest?.op !== 'put') return early ? [`deletes ${id} before its time`] : [];
    if (newest.rev > had || entry.value.rev !== newest.rev || entry.value.until !== 0n) return [];
    if (this.#host.known.get(id)?.idle !== undefined) return this.#giveUp(id);
    return [`deletes ${id}, whose newest change is a put of rev ${newest.rev}`];
  }

  /** Given up in silence, if the store says so. */
  #goes(id: string): void {
    const { store, silence, givenUp, known } = this.#host;
    const intent = known.get(id);
    const row = store.rows.get(id);
    if (row?.state === 'idle' && intent?.rev === row.rev) givenUp.goes(intent, silence.lastMs(id));
  }

  /** An entry ends by itself when its redirect does, by the time that its controllers told the host (C2). */
  #untimely(id: string, { rev, until }: EntryValue): readonly string[] {
    const { known, kernel, store, time } = this.#host;
    const { expires, rev: wanted } = known.get(id) ?? {};
    const isJudged = time.fresh && wanted === rev && this.#outside.isOurs(store.stored.cursor);
    if (!isJudged || this.#outside.isStrange()) return [];
    if (expires === undefined) return until === 0n ? [] : [`writes ${id} with an end, and it has none`];
    const { jiffies, hz } = kernel.clock.now();
    const lateMs = this.#outside.nowMs() + (Number(until - jiffies) * 1000) / hz - expires;
    return lateMs < -EARLY_MS || lateMs > LATE_MS ? [`writes ${id} to end ${Math.round(lateMs)} ms late`] : [];
  }

  /** Whether it is of a redirect that ends later, by the time of its own controllers (C2), or the same of the host. */
  #isEarly(id: string, value: EntryValue): boolean {
    const host = this.#host;
    const { expires = 0, idle } = host.known.get(id) ?? {};
    const isTold = host.aheadMs === 0 || (host.time.known && !this.#outside.isStrange());
    const isJudged = this.#isStored(id, value) && idle === undefined && isTold;
    const mayEnd = expires <= this.#outside.nowMs() + SLACK_MS;
    return isJudged && !mayEnd && this.#outside.isOurs(host.store.stored.cursor);
  }

  /** Whether an entry is of what is stored: in the log of a database that was put back another redirect may have its revision. */
  #isStored(id: string, { rev }: EntryValue): boolean {
    const { known, maps } = this.#host;
    const intent = known.get(id);
    return intent?.rev === rev && isDeepStrictEqual(this.#written.get(maps)?.get(id)?.intent ?? intent, intent);
  }

  /** A redirect is given up after its silence, and after the disk has it: until its entry goes nobody has come. */
  #giveUp(id: string): readonly string[] {
    const { silence, store, known, givenUp } = this.#host;
    const afterMs = known.get(id)?.idle?.afterMs ?? 0;
    const [state, silentMs] = [store.rows.get(id)?.state, silence.of(id)];
    if (state !== 'idle') return [`gives ${id} up, and its store says ${state}`];
    if (silentMs >= afterMs || givenUp.isStored(id, silence.lastMs(id))) return [];
    return [`gives ${id} up after ${silentMs} ms, and not ${afterMs}`];
  }
}

/** Whether a packet that meets the entry goes to where the redirect says. */
function goesThere(to: Intent['to'] | undefined, { action, dmac }: EntryValue): boolean {
  if (action !== 'send' || to === undefined) return true;
  const neighbour = Object.values(NEIGHBOURS).find(
    (it) => typeof to === 'object' && 'nexthop' in to && [it[4], it[6]].some((at) => at === to.nexthop),
  );
  return neighbour?.mac === dmac;
}

/** What may be missing of what should stand: that of other shapes than those that have taken all the room. */
function withRoom<T>(
  standing: ReadonlyMap<string, T>,
  stands: ReadonlyMap<string, unknown>,
  shapesMax: number,
): ReadonlyMap<string, T> {
  const taken = new Map<string, Set<string>>();
  for (const key of stands.keys()) {
    const shape = shapeOf(matchOfKey(key));
    taken.set(`${shape.family}`, (taken.get(`${shape.family}`) ?? new Set()).add(shapeText(shape)));
  }
  const hasRoom = (key: string): boolean => {
    const shape = shapeOf(matchOfKey(key));
    const shapes = taken.get(`${shape.family}`) ?? new Set();
    return shapes.size < shapesMax || shapes.has(shapeText(shape));
  };
  return new Map([...standing].filter(([key]) => hasRoom(key)));
}

function sorted(entries: ReadonlyMap<string, string>): readonly string[] {
  return [...entries].map((entry) => entry.join(' ')).sort();
}

function same(what: string, is: unknown, shall: unknown): readonly string[] {
  const [found, wanted] = [JSON.stringify(is), JSON.stringify(shall)];
  return found === wanted ? [] : [`${what} ${found}, and not ${wanted}`];
}
