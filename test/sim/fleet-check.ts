import type { Cursor } from '../../protocol/cursor.ts';
import type { Status } from '../../protocol/status.ts';
import type { MemoryDatabase } from '../fakes/memory-database.ts';
import type { Host } from './host.ts';
import { ROLES } from './schedule.ts';

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
  readonly #decreed = new Set<string>();
  /** Where epochs ended that the database forgot: what was sent of them may still come, and goes on from where hosts are. */
  readonly #forgotten = new Map<string, number>();
  /** Boots of which a host said that it is held. */
  readonly #held = new Map<string, string>();

  constructor(database: MemoryDatabase, others: readonly MemoryDatabase[]) {
    this.#database = database;
    this.#others = others;
  }

  /** A database is about to be put back. */
  restoring(): void {
    for (const [epoch, end] of this.#database.ends()) this.#forgotten.set(epoch, end);
  }

  /** A database that was put back knows less, and holds may end as they please. */
  restored(): void {
    this.#heard = new Map();
    this.#last = new Map();
    this.#held.clear();
  }

  /** Somebody decrees that hosts take the set of another log, once. */
  decreed(hosts: Iterable<string>): void {
    for (const host of hosts) this.#decreed.add(host);
  }

  /**
   * What a host stores is for it: of redirects for a label always the same, none is where that label never was. And who holds
   * a set of somebody's, or has a mark of it, takes none of anybody else (R4).
   */
  stored({ name, store, kernel, roles }: Host): readonly string[] {
    const owner = ownerOf(store.stored.cursor);
    const before = [this.#owners.get(store), ownerOf(kernel.mark())].filter(Boolean);
    this.#owners.set(store, owner);
    const isAnothers = before.some((one) => one !== owner);
    if (isAnothers && !this.#decreed.delete(name))
      return [`${name}: holds a set of ${before.join()}, and takes one of ${owner}`];
    const strange = [...store.set.values()].filter((it) => ROLES.includes(it.name) && !roles.has(it.name));
    return strange.map((it) => `${name}: stores ${it.name}, and never had that label`);
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
  known(): readonly string[] {
    return this.#database.reported().flatMap(({ host, status }) => {
      if (status === this.#last.get(host)) return [];
      this.#last.set(host, status);
      return this.#isOld(host, status) ? [`${host}: an old status counts again`] : [];
    });
  }

  #knows(cursor: Cursor): boolean {
    if (cursor.rev <= (this.#forgotten.get(cursor.epoch) ?? -1)) return true;
    return [this.#database, ...this.#others].some((database) => database.knows(cursor));
  }

  #isOld(host: string, text: string): boolean {
    const heard = this.#heard.get(host) ?? new Map<string, number>();
    const status = read(text);
    // A row that is damaged is forgotten, and all that was known with it.
    this.#heard.set(host, status === undefined ? new Map() : heard);
    if (status?.seq === undefined) return false;
    const before = heard.get(status.boot) ?? 0;
    heard.set(status.boot, status.seq);
    return status.seq <= before;
  }
}

/** The database that an epoch is of. */
function ownerOf(cursor: Pick<Cursor, 'epoch'> | undefined): string {
  return cursor?.epoch.split('.')[0] ?? '';
}

function read(text: string): Pick<Status, 'boot' | 'seq'> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
