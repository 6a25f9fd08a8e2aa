import { addDigest, EMPTY_DIGEST, elementDigest, removeDigest } from '../../protocol/digest.ts';
import type { Confirm } from '../../protocol/intent.ts';
import type { Compiled } from '../compile/compile.ts';
import type { HostFacts } from '../model/claim.ts';
import type { Damage } from '../model/damage.ts';
import { withConfirm, withoutConfirm } from '../model/publication.ts';
import { type Impact, impactOf } from '../model/size-gate.ts';
import type { ChangeRow } from '../store/schema.ts';
import type { Session } from '../store/session.ts';
import type { ChangeTable, NewChange } from '../store/tables/changes.ts';
import type { EpochTable } from '../store/tables/epochs.ts';
import type { Head, HeadTable } from '../store/tables/heads.ts';
import type { MarkTable } from '../store/tables/marks.ts';
import type { SpecTable } from '../store/tables/specs.ts';
import { Hand } from './hand.ts';

/** What one transaction did to the log. `epoch` is set when it was opened here. */
export interface LogResult {
  readonly hosts: number;
  readonly rev: number;
  readonly epoch: string | undefined;
  /** The revs that it gave, both included; the last is less than the first where it gave none. */
  readonly revs: { readonly first: number; readonly last: number };
  /** The hosts whose logs moved, each with its newest rev. */
  readonly heads: readonly Head[];
}

/** A redirect that stood on a host and is to stand there no more, and the rev that says so. */
export interface Departure {
  readonly name: string;
  readonly host: string;
  readonly rev: number;
}

interface Place {
  readonly session: Session;
  readonly tables: {
    readonly changes: ChangeTable;
    readonly heads: HeadTable;
    readonly marks: MarkTable;
    readonly epochs: EpochTable;
    readonly specs: SpecTable;
  };
}

/** Who wants a change: an operator, who named what it follows from, or the controller, which keeps logs as specs are. */
export type By = 'operator' | 'upkeep';

/** What the log of a host says of a key, and what it is to say. */
interface Wanted {
  readonly key: string;
  readonly before: NewChange | undefined;
  readonly compiled: Compiled | undefined;
}

interface Terms {
  /** The random part of the epoch that the first change opens; undefined: changes go on in the newest. */
  readonly epochPart: string | undefined;
  readonly atMs: number;
  /** Specs are missing: what stands does not go or change unless an operator names it. */
  readonly damaged: boolean;
}

/**
 * Writes changes within one transaction: gives each the next rev, keeps each host's head and digest, and opens an epoch
 * before the first one if told to. `finish` stores the heads and the counter; after it nothing is written any more.
 */
export class LogWriter {
  readonly #place: Place;
  readonly #terms: Terms;
  readonly #heads = new Map<string, Head>();
  readonly #named = new Set<string>();
  /** Changes that hosts took back and are told once more: the revs, by host and key. */
  readonly #retries = new Map<string, number>();
  readonly #leaving = new Set<string>();
  /** Where what an operator deletes stood. */
  readonly departures: Departure[] = [];
  /** What stands and would not by the specs that are left: hosts by the redirect's name. */
  readonly withheld = new Map<string, Set<string>>();
  /** What operators did to hosts, by the host: how many redirects they added, removed and re-targeted. */
  readonly sizes = new Map<string, Record<Impact, number>>();
  /** Hosts that are not told what they would have to be told, since their agents cannot have it confirmed: the publication cannot be. */
  readonly unable = new Set<string>();
  /** What was written, for those who are to be told. */
  readonly hand = new Hand();
  /** What is still missing, once that was looked at again. */
  assessed: { readonly damage: Damage | undefined } | undefined;
  #confirm: Confirm | undefined;
  #epoch: string | undefined;
  readonly #first: number;
  #rev: number;
  #seen = 0;
  #result: LogResult | undefined;

  /** `rev` is the last that was given before. */
  constructor(place: Place, rev: number, terms: Terms) {
    this.#place = place;
    this.#terms = terms;
    this.#rev = rev;
    this.#first = rev + 1;
  }

  /** Whether specs are missing, as far as this transaction knows. */
  get damaged(): boolean {
    return this.#terms.damaged;
  }

  /** How many keys of hosts were gone through, whether they had to be written or not. */
  get seen(): number {
    return this.#seen;
  }

  /** Notes that an operator named redirects: what stands of them may change. */
  name(names: Iterable<string>): void {
    for (const name of names) this.#named.add(name);
  }

  /** Notes that an operator deletes redirects: where they stood is kept. */
  leave(names: Iterable<string>): void {
    for (const name of names) this.#leaving.add(name);
  }

  /** What operators change from here on, the hosts are to have confirmed. Whoever publishes looks at `unable` before it ends. */
  publish(confirm: Confirm | undefined): void {
    this.#confirm = confirm;
  }

  /** A host took this change of a key back: if it is still the newest, and is to be confirmed, it is written anew. */
  retry(host: string, key: string, rev: number): void {
    this.#retries.set(`${host} ${key}`, rev);
  }

  /**
   * Makes the log of a host say what was compiled for keys; writes nothing of one when it does already, whether that was to be
   * confirmed or not. Of a host of which nothing is known, the controller on its own only adds: labels that are not there
   * select nothing.
   */
  async write(facts: HostFacts, wanted: ReadonlyMap<string, Compiled | undefined>, by: By): Promise<void> {
    const { host } = facts;
    if (this.#result !== undefined) throw new TypeError(`a change of ${host} after the log was finished`);
    const { session, tables } = this.#place;
    const before = await tables.changes.of(session, host, [...wanted.keys()]);
    for (const [key, compiled] of wanted) await this.#write(facts, { key, before: before.get(key), compiled }, by);
  }

  async #write(facts: HostFacts, { key, before, compiled }: Wanted, by: By): Promise<void> {
    const { host } = facts;
    const { session, tables } = this.#place;
    this.#seen += 1;
    const live = before?.op === 'put' ? before : undefined;
    const isSame = live === undefined ? compiled === undefined : saysTheSame(live, compiled, facts);
    if (isSame && !this.#isToRetry(before)) return;
    if (live !== undefined && !(await this.#mayChange(live, compiled, by, facts))) return;
    if (by === 'operator') this.#size(host, impactOf(live?.body, compiled?.body, this.#terms.atMs));
    const confirm = by === 'operator' ? this.#confirm : undefined;
    if (confirm !== undefined && !facts.can.includes('confirm')) {
      this.unable.add(host);
      return;
    }
    const rev = await this.#nextRev();
    const { name, body: said } = compiled ?? { name: '', body: '' };
    const body = confirm === undefined ? said : withConfirm(said, confirm);
    const row: NewChange = { host, key, rev, op: compiled ? 'put' : 'delete', name, body, at_ms: this.#terms.atMs };
    const stored = await tables.changes.put(session, row);
    if (live !== undefined && this.#leaving.has(live.name)) this.departures.push({ name: live.name, host, rev });
    await this.#moveHead(stored, live);
  }

  /**
   * Gives every redirect of a host a new rev and forgets what was, so that the host fetches all of it anew. What was confirmed
   * is not to be confirmed again.
   */
  async renew(host: string, live: readonly NewChange[]): Promise<void> {
    const { session, tables } = this.#place;
    const { confirmed } = await tables.marks.find(session, host);
    const rows: NewChange[] = [];
    let digest = EMPTY_DIGEST;
    for (const { key, body: was, ...rest } of live) {
      const body = rest.rev <= confirmed ? withoutConfirm(was) : was;
      const rev = await this.#nextRev();
      rows.push({ ...rest, key, body, rev });
      digest = addDigest(digest, elementDigest(key, rev, body));
    }
    await tables.changes.layHost(session, host, rows);
    const rev = await this.#nextRev();
    this.#heads.set(host, { host, rev, floor: rev, digest });
  }

  /** Puts the head of a host right, whose log is as it should be. */
  mend(head: Head): void {
    this.#rev = Math.max(this.#rev, head.rev);
    this.#heads.set(head.host, head);
  }

  async finish(): Promise<LogResult> {
    const { session, tables } = this.#place;
    for (const head of this.#heads.values()) await tables.heads.put(session, head);
    if (this.#heads.size > 0) await tables.epochs.setLastRev(session, this.#rev);
    const heads = [...this.#heads.values()];
    const revs = { first: this.#first, last: this.#rev };
    this.#result = { hosts: heads.length, rev: this.#rev, epoch: this.#epoch, revs, heads };
    return this.#result;
  }

  /** Errors: TypeError when the log was not finished: its heads would not be those of its changes. */
  requireResult(): LogResult {
    if (this.#result === undefined) throw new TypeError('a transaction that may change the log did not finish it');
    return this.#result;
  }

  #isToRetry(change: NewChange | undefined): boolean {
    if (this.#confirm === undefined || change === undefined) return false;
    return this.#retries.get(`${change.host} ${change.key}`) === change.rev;
  }

  #size(host: string, impact: Impact | undefined): void {
    if (impact === undefined) return;
    const size = this.sizes.get(host) ?? { added: 0, removed: 0, retargeted: 0 };
    size[impact] += 1;
    this.sizes.set(host, size);
  }

  async #mayChange(live: NewChange, compiled: Compiled | undefined, by: By, facts: HostFacts): Promise<boolean> {
    if (!this.#terms.damaged) return by === 'operator' || facts.known;
    if (this.#named.has(live.name) || (await this.#isTakenOver(live, compiled))) return true;
    this.withheld.set(live.name, (this.withheld.get(live.name) ?? new Set()).add(live.host));
    return false;
  }

  /** Whether an operator named what takes the key of one that is not missing itself. */
  async #isTakenOver(live: NewChange, compiled: Compiled | undefined): Promise<boolean> {
    if (compiled === undefined || !this.#named.has(compiled.name)) return false;
    const { session, tables } = this.#place;
    return (await tables.specs.find(session, live.name)) !== undefined;
  }

  async #nextRev(): Promise<number> {
    const { session, tables } = this.#place;
    const { epochPart } = this.#terms;
    if (epochPart !== undefined) this.#epoch ??= await tables.epochs.open(session, this.#rev + 1, epochPart);
    this.#rev += 1;
    return this.#rev;
  }

  async #moveHead(row: ChangeRow, live: NewChange | undefined): Promise<void> {
    const { session, tables } = this.#place;
    const head = this.#heads.get(row.host) ?? (await tables.heads.find(session, row.host));
    const less = live ? removeDigest(head.digest, elementDigest(row.key, live.rev, live.body)) : head.digest;
    const digest = row.op === 'put' ? addDigest(less, elementDigest(row.key, row.rev, row.body)) : less;
    this.#heads.set(row.host, { ...head, rev: row.rev, digest });
    this.hand.add(row, head.rev);
  }
}

/** Whether a log says of a key what was compiled for it. One that wants to be confirmed says it to nobody who cannot. */
function saysTheSame(live: NewChange, compiled: Compiled | undefined, { can, known }: HostFacts): boolean {
  if (live.body === compiled?.body) return true;
  return (can.includes('confirm') || !known) && withoutConfirm(live.body) === compiled?.body;
}
