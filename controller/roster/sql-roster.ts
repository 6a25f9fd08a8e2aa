import { faultOf } from '../../protocol/spec.ts';
import { confirmedRevs } from '../log/confirmed.ts';
import { convergeHosts } from '../log/converge.ts';
import { chunks, type Transaction } from '../log/transaction.ts';
import type { Work } from '../log/work.ts';
import type { HostFacts } from '../model/claim.ts';
import { standingOf } from '../model/standing.ts';
import type { Report, Roster, Upkeep } from '../ports.ts';
import { raiseMarks } from './raising.ts';

/** Hosts that are seen to in one transaction; between two of them others may write. */
const HOSTS_AT_ONCE = 64;
/** Reports that are noted before others get their turn: of a large fleet hundreds wait for one transaction. */
const REPORTS_AT_ONCE = 64;
/** Redirects that are read in one transaction. */
const SPECS_AT_ONCE = 1000;
/** What moves neither size nor time of a file is looked for so often. */
const VERIFY_EVERY_MS = 3_600_000;
const TOMBSTONE_KEPT_MS = 24 * 3_600_000;
/** Who changed what is known so long, and as far as it takes no more rows than this. */
const CHANGE_KEPT_MS = 90 * 24 * 3_600_000;
const CHANGES_ROWS = 1_000_000;

/** The hosts, in the database, and what their logs need beside what operators ask for. */
export class SqlRoster implements Roster, Upkeep {
  readonly #work: Work;
  /** Monotonic. */
  #verifiedAtMs: number;

  constructor(work: Work) {
    this.#work = work;
    this.#verifiedAtMs = work.clock.monotonicMs(); // begun by it
  }

  async report(reports: readonly Report[]): Promise<void> {
    await this.#work.change(async (transaction) => {
      const moved = await noteReports(transaction, reports);
      if (moved.length > 0) await convergeHosts(transaction, moved);
      await transaction.log.finish();
    });
  }

  async reconcile(signal: AbortSignal): Promise<void> {
    for await (const hosts of this.#hosts()) {
      if (signal.aborted) return;
      await this.#work.change(async (transaction) => {
        const fleet = await transaction.tables.hosts.fleet(transaction.session);
        const facts = hosts.map((host) => fleet.get(host));
        await convergeHosts(transaction, facts);
        await transaction.log.finish();
      });
    }
  }

  async refused(): Promise<readonly string[]> {
    const names: string[] = [];
    for (let after = ''; ; ) {
      const place = after;
      const specs = await this.#work.read(({ session, tables }) => tables.specs.list(session, place, SPECS_AT_ONCE));
      const last = specs.at(-1);
      if (last === undefined) return names;
      for (const { claim, json } of specs) if (faultOf(json) !== undefined) names.push(claim.name);
      after = last.claim.name;
    }
  }

  async tidy(): Promise<void> {
    const nowMs = this.#work.clock.nowMs();
    await this.#verify();
    await this.#work.write(({ session, tables }) => tables.uploads.dropOld(session, nowMs));
    for await (const hosts of this.#hosts()) {
      await this.#work.write((transaction) => collect(transaction, hosts, nowMs - TOMBSTONE_KEPT_MS));
    }
    const old = await this.#work.read(async ({ session, tables }) =>
      tables.audit.tooOld(session, nowMs - CHANGE_KEPT_MS, CHANGES_ROWS),
    );
    for (const id of old) await this.#work.write(({ session, tables }) => tables.audit.drop(session, id));
    await this.#work.write((transaction) => dropRollouts(transaction, nowMs - CHANGE_KEPT_MS));
  }

  async #verify(): Promise<void> {
    const nowMs = this.#work.clock.monotonicMs();
    if (nowMs - this.#verifiedAtMs < VERIFY_EVERY_MS) return;
    await this.#work.verify();
    this.#verifiedAtMs = nowMs;
  }

  /** Every host that reported or has a log, some at a time. */
  async *#hosts(): AsyncGenerator<readonly string[]> {
    for (let after = ''; ; ) {
      const place = after;
      const hosts = await this.#work.read(({ session, tables }) => tables.heads.hosts(session, place, HOSTS_AT_ONCE));
      const last = hosts.at(-1);
      if (last === undefined) return;
      yield hosts;
      after = last;
    }
  }
}

/** Answers the hosts that are new, or have other labels or abilities than before, each as it said last. */
async function noteReports(transaction: Transaction, reports: readonly Report[]): Promise<HostFacts[]> {
  const moved = new Map<string, HostFacts>();
  for (const some of chunks(reports, REPORTS_AT_ONCE)) {
    if (some[0] !== reports[0]) await transaction.turn();
    for (const report of some) {
      const { host, labels, can = [] } = report.status;
      const noted = await transaction.tables.hosts.put(transaction.session, report);
      if (noted === 'moved') moved.set(host, { host, labels, known: true, can });
      if (noted !== 'old') await raiseMarks(transaction, report);
    }
  }
  return [...moved.values()];
}

/** Forgets rollouts that ended before. */
async function dropRollouts({ session, tables }: Transaction, toMs: number): Promise<void> {
  for (const id of await tables.rollouts.tooOld(session, toMs)) {
    for (const table of [tables.rolloutSpecs, tables.rolloutHosts, tables.rolloutEvidence, tables.rollouts])
      await table.drop(session, id);
  }
}

/** Drops the tombstones that hosts have stored, or that are as old as `atMs`, and what they confirmed to be gone. */
async function collect(transaction: Transaction, hosts: readonly string[], atMs: number): Promise<void> {
  const { session, tables } = transaction;
  for (const [host, rev] of await confirmedRevs(transaction, hosts)) await tables.deletions.drop(session, host, rev);
  for (const host of hosts) await tables.changes.collect(session, host, await storedBy(transaction, host), atMs);
}

/** The rev up to which a host holds our log, by its own word; 0 when that word is not about our log. */
async function storedBy({ session, tables }: Transaction, host: string): Promise<number> {
  const report = await tables.hosts.find(session, host);
  if (report === undefined) return 0;
  const { epoch, stored } = report.status;
  const standing = standingOf({ epoch, rev: stored }, await tables.epochs.find(session, epoch));
  return standing === 'ok' ? stored : 0;
}
