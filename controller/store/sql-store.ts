import { type ApplyReply, type ApplyRequest, type DeleteReply, MAX_STRANGERS } from '../../protocol/api.ts';
import type { GetReply, GetRequest, HostsReply, HostsRequest } from '../../protocol/listings.ts';
import type { Page, SyncRequest } from '../../protocol/page.ts';
import type { PlanReply, PlanRequest } from '../../protocol/plan.ts';
import type { Update } from '../../protocol/update.ts';
import { Concern } from '../compile/concern.ts';
import { Preview } from '../compile/preview.ts';
import { MAX_LINES, PreviewReport } from '../compile/preview-report.ts';
import type { Strangers } from '../compile/strangers.ts';
import { listHosts, listSpecs } from '../desk/listings.ts';
import { readProposal } from '../desk/proposal.ts';
import { MAX_PARTS, storeUpload } from '../desk/upload.ts';
import { convergeHosts, convergeKeys } from '../log/converge.ts';
import { History } from '../log/history.ts';
import { type LogResult, LogWriter } from '../log/log-writer.ts';
import { readPage, readUpdate } from '../log/pages.ts';
import type { HostFacts } from '../model/claim.ts';
import { Declined } from '../model/declined.ts';
import { standingOf } from '../model/standing.ts';
import type { StoreError } from '../model/store-error.ts';
import type { Clock, Head, Report, Store } from '../ports.ts';
import type { Session } from './session.ts';
import { breathe, SqliteDatabase } from './sqlite/database.ts';
import type { Migrations } from './sqlite/migrate.ts';
import { Tables } from './tables/tables.ts';

/** Uploads that may be under way at once, so that forgotten ones cannot fill the disk. */
const MAX_UPLOADS = 16;
const UPLOAD_KEPT_MS = 10 * 60_000;
const TOMBSTONE_KEPT_MS = 24 * 3_600_000;
/** Hosts that are made to follow the specs in one transaction; between two of them others may write. */
const HOSTS_AT_ONCE = 64;
/** Names that the audit keeps of a delete. */
const AUDITED_NAMES = 100;

interface StoreOptions {
  readonly now: Clock;
  readonly migrations: Migrations;
  /** Called when the database is no longer to be trusted; the process is to end. */
  readonly onFatal: (error: StoreError) => void;
}

/** The controller's store in a database of its own; several controllers may share one. */
export class SqlStore implements Store, AsyncDisposable {
  readonly #database: SqliteDatabase;
  readonly #tables: Tables;
  readonly #history: History;
  readonly #now: Clock;
  /** Opened by this process with its first change (C1); it counts once it is in the table. */
  #epoch: string | undefined;

  private constructor(database: SqliteDatabase, tables: Tables, history: History, now: Clock) {
    this.#database = database;
    this.#tables = tables;
    this.#history = history;
    this.#now = now;
  }

  /** Opens the database and makes it when it is not there. Errors: StoreError. */
  static async open(path: string, { now, migrations, onFatal }: StoreOptions): Promise<SqlStore> {
    const database = await SqliteDatabase.open(path, migrations);
    try {
      const tables = new Tables(database.compiler);
      await database.write((session) => tables.epochs.initialise(session));
      return new SqlStore(database, tables, await History.begin(database, tables, onFatal), now);
    } catch (error) {
      await database[Symbol.asyncDispose]();
      throw error;
    }
  }

  async stage(part: ApplyRequest | PlanRequest): Promise<void> {
    requireParts(part);
    const { uploads } = this.#tables;
    const now = this.#now();
    await this.#write(async (session) => {
      await uploads.dropOld(session, now - UPLOAD_KEPT_MS);
      if ((await uploads.others(session, part.upload)) >= MAX_UPLOADS) {
        throw new Declined('BUSY', `${MAX_UPLOADS} uploads are under way already; try again in a minute`);
      }
      const { upload, specs } = part;
      await uploads.put(session, {
        upload,
        part: part.part,
        parts: part.parts,
        specs: JSON.stringify(specs),
        at_ms: now,
      });
    });
  }

  async apply(last: ApplyRequest): Promise<ApplyReply> {
    requireParts(last);
    return this.#change(async (session, log) => {
      const { counts, concern, strangers } = await storeUpload(session, this.#tables, last);
      await convergeKeys(session, this.#tables, log, concern);
      return async ({ hosts, rev }) => {
        const done = { ...counts, hosts, rev };
        await this.#tables.audit.note(session, this.#now(), 'apply', { upload: last.upload, ...done });
        return { v: 1, upload: last.upload, ...done, ...nobody(strangers) };
      };
    });
  }

  /** What is read is one state of the database; the work on it keeps no transaction open. */
  async plan(last: PlanRequest, budgetBytes: number): Promise<PlanReply> {
    requireParts(last);
    const { head, ...proposal } = await this.#read((session) => readProposal(session, this.#tables, last));
    if (last.parts > 1) await this.#write((session) => this.#tables.uploads.drop(session, last.upload));
    const report = new PreviewReport(proposal, head);
    for (const group of new Preview(proposal).groups(MAX_LINES)) {
      if (group !== undefined) report.add(group);
      await breathe();
    }
    return report.reply(budgetBytes);
  }

  async delete(names: readonly string[]): Promise<DeleteReply> {
    return this.#change(async (session, log) => {
      const deleted: string[] = [];
      const absent: string[] = [];
      const concern = new Concern();
      for (const name of new Set(names)) {
        const claim = await this.#tables.specs.delete(session, name);
        (claim === undefined ? absent : deleted).push(name);
        if (claim !== undefined) concern.add(claim);
      }
      await convergeKeys(session, this.#tables, log, concern);
      return async ({ hosts, rev }) => {
        const detail = {
          deleted: deleted.length,
          names: deleted.slice(0, AUDITED_NAMES),
          absent: absent.length,
          hosts,
          rev,
        };
        await this.#tables.audit.note(session, this.#now(), 'delete', detail);
        return { v: 1, deleted, absent, hosts, rev };
      };
    });
  }

  get(request: GetRequest, budgetBytes: number): Promise<GetReply> {
    return this.#read((session) => listSpecs(session, this.#tables, request, budgetBytes));
  }

  hosts(request: HostsRequest, budgetBytes: number): Promise<HostsReply> {
    return this.#read((session) => listHosts(session, this.#tables, request, budgetBytes));
  }

  page(request: SyncRequest, budgetBytes: number): Promise<Page> {
    return this.#read((session) => readPage(session, this.#tables, request, budgetBytes));
  }

  update(host: string, afterRev: number, budgetBytes: number): Promise<Update | undefined> {
    return this.#read((session) => readUpdate(session, this.#tables, host, afterRev, budgetBytes));
  }

  movedAfter(rev: number): Promise<{ readonly rev: number; readonly heads: readonly Head[] }> {
    return this.#read(async (session) => ({
      rev: await this.#tables.epochs.lastRev(session),
      heads: await this.#tables.changes.headsAfter(session, rev),
    }));
  }

  async report(reports: readonly Report[]): Promise<void> {
    await this.#change(async (session, log) => {
      const moved: HostFacts[] = [];
      for (const report of reports) {
        const { host, labels } = report.status;
        if (await this.#tables.hosts.put(session, report)) moved.push({ host, labels, known: true });
      }
      if (moved.length > 0) await convergeHosts(session, this.#tables, log, moved);
      return async () => {};
    });
  }

  async reconcile(signal: AbortSignal): Promise<void> {
    let after = '';
    while (!signal.aborted) {
      const hosts = await this.#read((session) => this.#tables.changes.hosts(session, after, HOSTS_AT_ONCE));
      if (hosts.length === 0) return;
      await this.#change(async (session, log) => {
        const fleet = await this.#tables.hosts.fleet(session);
        const facts = hosts.map((host) => fleet.get(host));
        await convergeHosts(session, this.#tables, log, facts);
        return async () => {};
      });
      after = hosts.at(-1) ?? after;
    }
  }

  async tidy(): Promise<void> {
    const now = this.#now();
    const { changes, uploads } = this.#tables;
    await this.#write((session) => uploads.dropOld(session, now - UPLOAD_KEPT_MS));
    let after = '';
    for (;;) {
      const hosts = await this.#read((session) => changes.hosts(session, after, HOSTS_AT_ONCE));
      if (hosts.length === 0) return;
      await this.#write(async (session) => {
        for (const host of hosts)
          await changes.collect(session, host, await this.#storedBy(session, host), now - TOMBSTONE_KEPT_MS);
      });
      after = hosts.at(-1) ?? after;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#database[Symbol.asyncDispose]();
  }

  /** The rev up to which a host holds our log, by its own word; 0 when that word is not about our log. */
  async #storedBy(session: Session, host: string): Promise<number> {
    const report = await this.#tables.hosts.find(session, host);
    if (report === undefined) return 0;
    const { epoch, stored } = report.status;
    const standing = standingOf({ epoch, rev: stored }, await this.#tables.epochs.find(session, epoch));
    return standing === 'ok' ? stored : 0;
  }

  /** A transaction that may write to the log; what `work` answers is called once the log is complete. */
  async #change<T>(work: (session: Session, log: LogWriter) => Promise<(result: LogResult) => Promise<T>>): Promise<T> {
    return this.#write(async (session) => {
      const opensEpoch =
        this.#epoch === undefined || (await this.#tables.epochs.find(session, this.#epoch)) === undefined;
      const log = await LogWriter.begin(session, this.#tables, opensEpoch, this.#now());
      const conclude = await work(session, log);
      const result = await log.finish();
      if (result.epoch !== undefined) this.#epoch = result.epoch;
      return conclude(result);
    });
  }

  #write<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#history.write(work);
  }

  #read<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#history.read(work);
  }
}

/** What an apply says of selectors that find nobody; nothing where all is well. */
function nobody({ unmatched, unheard }: Strangers): Partial<ApplyReply> {
  return {
    ...(unmatched.length > 0 && { unmatched: unmatched.slice(0, MAX_STRANGERS), unmatchedTotal: unmatched.length }),
    ...(unheard.length > 0 && { unheard: unheard.slice(0, MAX_STRANGERS), unheardTotal: unheard.length }),
  };
}

function requireParts({ parts }: Pick<ApplyRequest, 'parts'>): void {
  if (parts <= MAX_PARTS) return;
  throw new Declined(
    'TOO_MANY',
    `an upload has at most ${MAX_PARTS} parts, not ${parts}; fill them, or apply in pieces`,
  );
}
