import type { Kysely } from 'kysely';
import { Shelf } from '../../model/shelf.ts';
import { joined } from '../dialect.ts';
import { query } from '../query.ts';
import type { HeadRow, Schema } from '../schema.ts';
import type { Session } from '../session.ts';

/** Where a redirect has its key: hosts by their numbers, in the order of their names, each with the rev that it is to have. */
export interface Held {
  readonly name: string;
  readonly hosts: Uint32Array;
  readonly revs: Float64Array;
  /** The newest of them. */
  readonly rev: number;
  /** When the oldest of these revs was given, in ms since 1970. */
  readonly sinceMs: number;
}

type Seen = Pick<HeadRow, 'host' | 'rev' | 'floor' | 'digest'>;

/** In hosts of redirects, each of which takes 12 bytes: 100 MB. Beside them a key takes as much as so many. */
const ROOM = 8_000_000;
const OF_A_KEY = 64;

/**
 * Who holds which key, kept in memory: of a large fleet each listing would read millions of rows. A head says what its host is
 * to hold, so what it says as it did is not read again. Only what is committed may be asked for: heads move last.
 */
export class Holders {
  readonly #heads;
  readonly #moved;
  readonly #ofKey;
  readonly #time;
  readonly #seen = new Map<string, Seen>();
  readonly #kept = new Shelf<readonly Held[]>(ROOM, weightOf);
  readonly #names: string[] = [];
  readonly #numbers = new Map<string, number>();
  /** By number, the place of a host in the order of names. */
  #places = new Uint32Array(0);
  /** The other way round. */
  #order = new Uint32Array(0);

  constructor(db: Kysely<Schema>) {
    this.#heads = query<object, Seen>(() =>
      db.selectFrom('heads').select(['host', 'rev', 'floor', 'digest']).orderBy('host'),
    );
    this.#moved = query<{ host: string; rev: number }, { key: string }>((at) =>
      db.selectFrom('changes').select('key').where('host', '=', at('host')).where('rev', '>', at('rev')),
    );
    this.#ofKey = query<{ key: string }, { name: string; hosts: string; revs: string }>((at) =>
      db
        .selectFrom('changes')
        .select(['name', joined('host').as('hosts'), joined('rev').as('revs')])
        .where('key', '=', at('key'))
        .where('op', '=', 'put')
        .groupBy('name')
        .orderBy('name'),
    );
    this.#time = query<{ host: string; rev: number }, { at_ms: number }>((at) =>
      db.selectFrom('changes').select('at_ms').where('host', '=', at('host')).where('rev', '=', at('rev')),
    );
  }

  /** Takes what was committed since the last look; before a listing, in its transaction. */
  async look(session: Session): Promise<void> {
    const heads = await session.all(this.#heads, {});
    const known = heads.filter(({ host }) => this.#seen.has(host)).length;
    const begins = this.#seen.size === 0; // also where all was forgotten in the middle of a listing, which went on to keep
    if (begins || known < this.#seen.size || heads.some((head) => this.#isOther(head))) this.forget();
    for (const head of heads) await this.#take(session, head);
    if (this.#places.length !== this.#names.length) this.#arrange();
  }

  /** Whoever holds a key, by the name of the redirect. */
  async of(session: Session, key: string): Promise<readonly Held[]> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const rows = await session.all(this.#ofKey, { key });
    const held: Held[] = [];
    for (const { name, hosts, revs } of rows)
      held.push(await this.#held(session, name, hosts.split(','), revs.split(',')));
    this.#kept.put(key, held);
    return held;
  }

  /** The host of a number. */
  nameOf(number: number): string {
    return this.#names[number] ?? '';
  }

  /** The hosts that have, or had, a log, by their numbers. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Reads everything anew. */
  forget(): void {
    this.#seen.clear();
    this.#kept.clear();
  }

  /** Whether what a host held before cannot be told from what it holds now. */
  #isOther({ host, rev, floor, digest }: Seen): boolean {
    const seen = this.#seen.get(host);
    if (seen === undefined) return false;
    return rev < seen.rev || floor > seen.rev || (rev === seen.rev && digest !== seen.digest);
  }

  async #take(session: Session, head: Seen): Promise<void> {
    const { host, rev } = head;
    const before = this.#seen.get(host)?.rev ?? 0;
    if (!this.#numbers.has(host)) this.#numbers.set(host, this.#names.push(host) - 1);
    if (before === rev) return;
    this.#seen.set(host, head);
    if (this.#kept.size === 0) return;
    for (const { key } of await session.all(this.#moved, { host, rev: before })) this.#kept.drop(key);
  }

  #arrange(): void {
    const numbers = Array.from(this.#names.keys());
    this.#order = Uint32Array.from(numbers.sort((a, b) => (this.nameOf(a) < this.nameOf(b) ? -1 : 1)));
    this.#places = new Uint32Array(numbers.length);
    for (const [place, number] of this.#order.entries()) this.#places[number] = place;
  }

  async #held(session: Session, name: string, hosts: readonly string[], texts: readonly string[]): Promise<Held> {
    const byPlace = new Float64Array(this.#names.length);
    const places = new Uint32Array(hosts.length);
    for (let at = 0; at < hosts.length; at += 1) {
      const place = this.#places[this.#numbers.get(hosts[at] ?? '') ?? 0] ?? 0;
      byPlace[place] = Number(texts[at]);
      places[at] = place;
    }
    const sorted = places.sort().map((place) => this.#order[place] ?? 0);
    const revs = new Float64Array(places.length);
    for (let at = 0; at < places.length; at += 1) revs[at] = byPlace[places[at] ?? 0] ?? 0;
    const [rev, least] = [revs.reduce((a, b) => Math.max(a, b)), revs.reduce((a, b) => Math.min(a, b))];
    const oldest = { host: this.nameOf(sorted[revs.indexOf(least)] ?? 0), rev: least };
    return { name, hosts: sorted, revs, rev, sinceMs: (await session.first(this.#time, oldest))?.at_ms ?? 0 };
  }
}

function weightOf(holders: readonly Held[]): number {
  return holders.reduce((sum, { hosts }) => sum + hosts.length, OF_A_KEY);
}
