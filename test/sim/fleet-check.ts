import { CAN } from '../../agent/model/can.ts';
import type { Mark } from '../../agent/model/mark.ts';
import type { Candidate } from '../../agent/model/stored.ts';
import type { Cursor } from '../../protocol/cursor.ts';
import type { Status } from '../../protocol/status.ts';
import type { MemoryDatabase } from '../fakes/memory-database.ts';
import type { Host } from './host.ts';
import type { Operator } from './operator.ts';
import { expectedOn } from './oracle.ts';
import { type HostName, ROLES } from './schedule.ts';
import { Starts } from './starts.ts';

/** Whoever lives says something sooner. */
const SPEAKS_WITHIN_MS = 15_000;
/** Whatever was sent before has come, or never will. */
const ON_ITS_WAY_MS = 20_000;
/** Until then an order was carried out, or never is. */
const ASKED_WITHIN_MS = 10_000;
/** Codes of a host that waits for its log, or for an operator, because its history is lost. */
export const HELD = ['HISTORY_LOST', 'FOREIGN_EPOCH'];

/** What must hold between hosts and controllers at any moment. */
export class FleetCheck {
  readonly #database: MemoryDatabase;
  readonly #others: readonly MemoryDatabase[];
  /** Whose set a store holds. */
  readonly #owners = new WeakMap<object, string>();
  /** Of each start of an agent, the highest count of a status that controllers went by; and which one they go by. */
  #heard = new Map<string, Map<string, number>>();
  #last = new Map<string, string>();
  /** The start of an agent that controllers go by, and when they heard of it last. */
  #present = new Map<string, { readonly boot: string; readonly atMs: number }>();
  readonly #decreed = new Set<string>();
  readonly #orderedMs = new Map<string, number>();
  /** Who was ordered so, and perhaps has not done it yet. */
  readonly #standing = new Set<string>();
  /** When that was, since a database was put back and a while before. */
  readonly #decreedMs = new Map<string, number>();
  /** Where epochs ended, at most, that the database forgot: what was sent of them may still come, and goes on from where hosts are. */
  readonly #forgotten = new Map<string, number>();
  #nowMs = 0;
  /** Of the database, when it was looked at last. */
  #version = Number.NaN;
  #dayMs = Number.NEGATIVE_INFINITY;
  /** Since when each redirect is asked for as it is. */
  #specs = new Map<string, number>();
  /** What each text says. */
  readonly #read = new Map<string, object>();
  /** Since when each is not any more. */
  readonly #gone = new Map<string, number>();
  /** When somebody wanted a host forgotten. */
  readonly #forgotMs = new Map<string, number>();
  /** Starts of its agent that controllers ever went by. */
  readonly #starts = new Map<string, Set<string>>();
  readonly #begun = new Starts();
  /** Boots of which a host said that it is held. */
  readonly #held = new Map<string, string>();

  constructor(database: MemoryDatabase, others: readonly MemoryDatabase[]) {
    this.#database = database;
    this.#others = others;
  }

  /** A database is about to be put back. */
  restoring(): void {
    for (const [epoch, end] of this.#database.ends())
      this.#forgotten.set(epoch, Math.max(end, this.#forgotten.get(epoch) ?? 0));
  }

  /** Whoever spoke before a day that passed did so long ago, also where it is noted only now. */
  dayPassed(): void {
    this.#present.clear();
    this.#dayMs = this.#nowMs;
  }

  /** All that is known of a host is about to go, if somebody does that. */
  forgetting(host: string, nowMs: number): void {
    this.#forgotMs.set(host, nowMs);
  }

  /** What was permitted went with a log that was forgotten, and labels need no permission: what goes then, the brake may withhold. */
  mayBrake({ name, roles }: Pick<Host, 'name' | 'roles'>): boolean {
    return this.#forgotMs.has(name) || roles.size > 1;
  }

  /** Whether a cursor is of the controllers' own history. */
  isOurs(cursor: Cursor): boolean {
    return this.#database.knows(cursor);
  }

  /** Something else may be known of hosts, or asked for; what is so for a moment may be on its way for longer. */
  committed(nowMs: number): readonly string[] {
    this.#asked(nowMs);
    return this.known(nowMs);
  }

  #asked(nowMs: number): void {
    const specs = this.#database.specs();
    for (const text of this.#specs.keys()) if (!specs.includes(text)) this.#gone.set(text, nowMs);
    this.#specs = new Map(specs.map((text) => [text, this.#specs.get(text) ?? nowMs]));
  }

  /** A database that was put back knows less, and holds may end as they please. */
  restored(): void {
    this.#asked(this.#nowMs);
    this.#heard = new Map();
    this.#last = new Map();
    this.#present = new Map();
    this.#starts.clear();
    this.#held.clear();
    for (const [host, atMs] of this.#decreedMs) if (this.#nowMs - atMs > ON_ITS_WAY_MS) this.#decreedMs.delete(host);
  }

  /**
   * Somebody orders a host to take the set of whatever log answers; whose that is may be another a moment later. Where no log answers
   * the host, it says so and goes on asking: the order stands until a set is taken, or its agent ends.
   */
  async ordered(host: string, reply: ReturnType<Operator['resync']>): Promise<void> {
    this.#orderedMs.set(host, this.#nowMs);
    const said = await reply;
    if (said === undefined) return;
    if ('error' in said || said.code === undefined || HELD.includes(said.code)) this.#standing.delete(host);
  }

  /** An order comes to an agent, perhaps once more. */
  given(host: string): void {
    this.#standing.add(host);
  }

  /** An agent knows of no order that another one was given. */
  started(host: string): void {
    this.#standing.delete(host);
    this.#begun.began(host);
  }

  /** Somebody decrees that hosts take the set of another log, once. */
  decreed(hosts: Iterable<string>): void {
    for (const host of hosts) {
      this.#decreed.add(host);
      this.#decreedMs.set(host, this.#nowMs);
    }
  }

  /**
   * What a host stores is for it: of redirects for a label always the same, none is where that label never was. And who holds
   * a set of somebody's, or has a mark of it, takes none of anybody else (R4).
   */
  stored(host: Host, { base, cursor }: Candidate, mayBeOld: boolean): readonly string[] {
    const { name, store, roles } = host;
    const owner = ownerOf(store.stored.cursor);
    const mark = markOf(host);
    const before = [this.#owners.get(store), ownerOf(mark)].filter(Boolean);
    this.#owners.set(store, owner);
    const isAnothers = before.some((one) => one !== owner && !this.#database.hasSuperseded(`${one}.%`));
    const isOrdered = this.isOrdered(name);
    if (base === 'empty') this.#standing.delete(name);
    if (isAnothers && !this.#decreed.delete(name) && !isOrdered)
      return [`${name}: holds a set of ${before.join()}, and takes one of ${owner}`];
    const isDecreed = isOrdered || this.#decreedMs.has(name) || this.#database.hasSuperseded(mark?.epoch ?? '');
    if (mark !== undefined && this.isOurs(cursor) && !this.isOurs(mark) && !isDecreed)
      return [`${name}: had ${mark.rev} of ${mark.epoch}, which the log does not have, and takes ${cursor.rev} of it`];
    const isCurrent = this.isOurs(cursor) && !this.#database.hasSuperseded(cursor.epoch);
    const isWhole = base === 'empty' && isCurrent && !mayBeOld;
    const strange = [...store.set.values()].filter((it) => ROLES.includes(it.name) && !roles.has(it.name));
    return [
      ...(isWhole && before.length > 0 ? this.#missing(host) : []),
      ...(isWhole ? this.#surplus(host) : []),
      ...strange.map((it) => `${name}: stores ${it.name}, and never had that label`),
    ];
  }

  /** Whether somebody ordered a host so, and it may not have done it yet. */
  isOrdered(host: string): boolean {
    if (this.#standing.has(host)) return true;
    return this.#nowMs - (this.#orderedMs.get(host) ?? Number.NEGATIVE_INFINITY) < ON_ITS_WAY_MS;
  }

  /** Who was heard takes nothing that nobody has asked for in a while (I3). */
  #surplus({ name, store, labels, roles }: Host): readonly string[] {
    if (roles.size > 1) return [];
    if (!this.#database.reported().some(({ host }) => host === name)) return [];
    const wasThere = (text: string): boolean => this.#nowMs - (this.#gone.get(text) ?? 0) < ON_ITS_WAY_MS;
    const mayBe = [...this.#database.specs(), ...this.#specs.keys(), ...[...this.#gone.keys()].filter(wasThere)];
    const keys = new Set(
      mayBe.flatMap((text) => expectedOn(name as HostName, labels, [this.#said(text)], { can: CAN, nowMs: 0 }).wanted),
    );
    return [...store.set.keys()]
      .filter((key) => !keys.has(key))
      .map((key) => `${name}: takes a whole set with ${key}, which nobody asks for`);
  }

  /** Who held something takes a whole set only with all that is for it (R6); what came just now may be on its way, and what it can, too. */
  #missing({ name, store, labels, roles }: Host): readonly string[] {
    if (roles.size > 1) return [];
    const isSteady = (text: string): boolean => this.#nowMs - (this.#specs.get(text) ?? this.#nowMs) >= ON_ITS_WAY_MS;
    const steady = this.#database
      .specs()
      .filter(isSteady)
      .map((text) => this.#said(text));
    const { wanted } = expectedOn(name as HostName, labels, steady, { can: [], nowMs: 0 });
    const missing = wanted.filter((key) => !store.set.has(key));
    return missing.map((key) => `${name}: takes a whole set without ${key}, which is for it`);
  }

  #said(text: string): object {
    const said = this.#read.get(text) ?? JSON.parse(text);
    this.#read.set(text, said);
    return said;
  }

  /** A host that is held for want of its history goes on only where the log has it (R4, R7). */
  said({ host, boot, epoch, stored, problems = [] }: Status): readonly string[] {
    const was = this.#held.get(host) === boot;
    const is = problems.some(({ code }) => HELD.includes(code));
    if (is) this.#held.set(host, boot);
    else this.#held.delete(host);
    if (!was || is || this.#knows({ epoch, rev: stored })) return [];
    return [`${host}: goes on at ${stored} of ${epoch}, which the log does not have`];
  }

  /** What controllers know of a host never goes back to what it said before. */
  known(nowMs: number): readonly string[] {
    this.#nowMs = nowMs;
    if (this.#database.version === this.#version) return [];
    this.#version = this.#database.version;
    const reported = this.#database.reported();
    for (const host of this.#last.keys()) if (!reported.some((row) => row.host === host)) this.#forget(host);
    return reported.flatMap(({ host, status }) => {
      if (status === this.#last.get(host)) return [];
      this.#last.set(host, status);
      const said = read(status);
      // With a row that is damaged all goes that was known by it.
      if (said === undefined || nowMs - (this.#forgotMs.get(host) ?? Number.NEGATIVE_INFINITY) < ASKED_WITHIN_MS) {
        this.#forget(host);
        return [];
      }
      const isForgotten = this.#begun.counts(host, said.boot);
      const [isOld, isGone] = [this.#isOld(host, said), this.#isGone(host, said, nowMs)];
      if (isForgotten) return [];
      return [
        ...(isOld ? [`${host}: an old status counts again`] : []),
        ...(isGone ? [`${host}: an agent that ended counts again`] : []),
      ];
    });
  }

  #forget(host: string): void {
    for (const known of [this.#heard, this.#present, this.#starts]) known.delete(host);
  }

  #knows(cursor: Cursor): boolean {
    if (cursor.rev <= (this.#forgotten.get(cursor.epoch) ?? -1)) return true;
    return [this.#database, ...this.#others].some((database) => database.knows(cursor));
  }

  /** Whether it is of a start of the agent before the one that spoke just now. */
  #isGone(host: string, { boot }: Said, nowMs: number): boolean {
    const present = this.#present.get(host);
    if (boot === undefined) return false;
    if (nowMs - this.#dayMs < ASKED_WITHIN_MS) this.#present.delete(host);
    else this.#present.set(host, { boot, atMs: nowMs });
    const wasHeard = boot !== present?.boot && this.#starts.get(host)?.has(boot);
    this.#starts.set(host, (this.#starts.get(host) ?? new Set()).add(boot));
    return wasHeard === true && present !== undefined && nowMs - present.atMs < SPEAKS_WITHIN_MS;
  }

  #isOld(host: string, { boot, seq }: Said): boolean {
    const heard = this.#heard.get(host) ?? new Map<string, number>();
    this.#heard.set(host, heard);
    if (seq === undefined) return false;
    const before = heard.get(boot) ?? 0;
    heard.set(boot, seq);
    return seq <= before;
  }
}

/** None where the store was ahead of it already: the agent that stored that died before it could say so. */
function markOf({ kernel, store }: Host): Mark | undefined {
  const mark = kernel.mark();
  return mark !== undefined && store.stored.seq <= mark.seq + 1 ? mark : undefined;
}

/** The database that an epoch is of. */
function ownerOf(cursor: Pick<Cursor, 'epoch'> | undefined): string {
  return cursor?.epoch.split('.')[0] ?? '';
}

/** What tells statuses of one host apart. */
type Said = Pick<Status, 'boot' | 'seq'>;

function read(text: string): Said | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
