import { type ApplyReply, type ApplyRequest, MAX_STRANGERS } from '../../protocol/api.ts';
import type { ChangeReply, ChangeRequest } from '../../protocol/change-state.ts';
import type { DeleteReply } from '../../protocol/delete.ts';
import type { ForgetReply, ForgetRequest } from '../../protocol/forget.ts';
import type { HistoryReply, HistoryRequest } from '../../protocol/history.ts';
import type { GetReply, GetRequest, HostsReply, HostsRequest } from '../../protocol/listings.ts';
import type { NamesReply, NamesRequest } from '../../protocol/names.ts';
import type { Origin } from '../../protocol/origin.ts';
import type { PlanReply, PlanRequest } from '../../protocol/plan.ts';
import type { PlanPage, PlanPageRequest } from '../../protocol/plan-page.ts';
import type { RecoverReply } from '../../protocol/recover.ts';
import type { Terms } from '../../protocol/terms.ts';
import type { Concern } from '../compile/concern.ts';
import { Preview } from '../compile/preview.ts';
import { MAX_OVERLAPS, PreviewReport } from '../compile/preview-report.ts';
import type { Strangers } from '../compile/strangers.ts';
import { convergeNamed } from '../log/assess.ts';
import type { LogTransaction } from '../log/transaction.ts';
import type { Work } from '../log/work.ts';
import type { Applied, Desk, Hear, RatesNow } from '../ports.ts';
import { changeState } from './change-state.ts';
import { requireConfirmable } from './confirming.ts';
import { deleteSpecs } from './deletion.ts';
import { forget } from './forgetting.ts';
import { listHistory } from './history.ts';
import { requireFree, wishesOf } from './holds.ts';
import { listHosts, listSpecs } from './listings.ts';
import { nearNames } from './near-names.ts';
import { loopsOf, readDoors, requireNoLoops } from './no-loops.ts';
import { becauseOf, noteChange } from './noting.ts';
import { keepPages, takePage } from './plan-pages.ts';
import { readProposal, requireApart } from './proposal.ts';
import { beginAnew } from './recovery.ts';
import { retryReverted } from './retrying.ts';
import { joinSet, listNames, requirePrunable } from './sets.ts';
import { permitShrink, requireSize } from './size-gate.ts';
import { requireBasis } from './stale.ts';
import { namesNothing, stageSpecs, storeUpload } from './upload.ts';

/** Names that the audit keeps of a delete. */
const AUDITED_NAMES = 100;
/** Keys of hosts that are written before others get their turn. */
const KEYS_AT_ONCE = 16;

/** What operators ask for, done in the database. */
export class SqlDesk implements Desk {
  readonly #work: Work;

  constructor(work: Work) {
    this.#work = work;
  }

  async stage(part: ApplyRequest | PlanRequest): Promise<void> {
    await this.#work.write((transaction) => stageSpecs(transaction, part, this.#work.clock.nowMs()));
  }

  async apply(last: ApplyRequest, hear: Hear = unheard, origin: Origin = {}): Promise<Applied> {
    return this.#work.change(async (transaction) => {
      await requireBasis(transaction, last, this.#work.clock.nowMs());
      const fleet = await transaction.tables.hosts.fleet(transaction.session);
      const { counts, concern, strangers, names, named, deeds, came } = await storeUpload(transaction, last, fleet);
      const { gone, ...sets } = await this.#sort(transaction, last, names, concern);
      const goes = [...(last.prune ?? []), ...(last.delete ?? [])];
      if (names.length + goes.length === 0) throw namesNothing();
      await requireFree(transaction, { names: [...deeds.map(({ name }) => name), ...goes], keys: concern.keys });
      await requireNoLoops(transaction, came, this.#work.clock.nowMs());
      await publish(transaction, last, [...names, ...goes], concern);
      await convergeNamed(heard(transaction, hear), concern, [...names, ...goes], fleet);
      await requireSize(transaction, last);
      const log = await transaction.log.finish();
      await permitShrink(transaction, last, log.heads);
      const { upload, confirm } = last;
      if (confirm !== undefined) await requireConfirmable(transaction, log.heads);
      const done = { ...counts, ...sets, hosts: log.hosts, rev: log.rev };
      const making = {
        verb: 'apply',
        detail: { upload, ...done, ...(confirm !== undefined && { confirm }) },
        origin: becauseOf(last, origin),
        id: upload,
        deeds: [...deeds, ...gone],
        log,
      };
      const { departures } = transaction.log;
      const change = await noteChange(transaction, this.#work.clock, { ...making, departures });
      return { v: 1, upload, ...done, ...nobody(strangers), change, named };
    });
  }

  /** Puts what an upload has into its set, and takes out what is to go. */
  async #sort(transaction: LogTransaction, last: ApplyRequest, names: readonly string[], concern: Concern) {
    const { set, prune } = last;
    const pruned = prune === undefined ? [] : await requirePrunable(transaction, last, names);
    const sets = set === undefined ? {} : { set: await joinSet(transaction, set, names) };
    const goes = [...pruned, ...(last.delete ?? [])];
    requireApart(names, goes);
    if (prune === undefined && last.delete === undefined) return { ...sets, gone: [] };
    const { deleted, deeds } = await deleteSpecs(transaction, goes, concern);
    transaction.log.leave(deleted);
    return { ...sets, deleted: deleted.length, gone: deeds };
  }

  /** What is read is one state of the database; the work on it keeps no transaction open. */
  async plan(last: PlanRequest, budgetBytes: number, hear: Hear = unheard): Promise<PlanReply> {
    const nowMs = this.#work.clock.nowMs();
    const { head, doors, ...read } = await this.#work.read(async (transaction) => {
      const proposal = await readProposal(transaction, last);
      await requireFree(transaction, wishesOf(proposal.moves));
      return { ...proposal, doors: await readDoors(transaction) };
    });
    const proposal = { ...read, nowMs };
    if (last.parts > 1) await this.#work.write(({ session, tables }) => tables.uploads.drop(session, last.upload));
    const loops = await loopsOf(proposal, doors, () => this.#work.clock.turn());
    const report = new PreviewReport(proposal, { ...head, loops });
    for (const group of new Preview(proposal).groups(MAX_OVERLAPS)) {
      if (group !== undefined) hear(report.add(group));
      await this.#work.clock.turn();
    }
    const { reply, pages } = report.reply(budgetBytes);
    if (pages.length > 0) await this.#work.write((transaction) => keepPages(transaction, last.upload, pages, nowMs));
    return reply;
  }

  planPage(request: PlanPageRequest): Promise<PlanPage> {
    return this.#work.write((transaction) => takePage(transaction, request));
  }

  async delete(
    names: readonly string[],
    hear: Hear = unheard,
    terms: Terms = {},
    origin: Origin = {},
  ): Promise<DeleteReply> {
    return this.#work.change(async (transaction) => {
      const { deleted, absent, concern, deeds } = await deleteSpecs(transaction, names);
      await requireFree(transaction, { names, keys: concern.keys });
      const { confirm } = terms;
      transaction.log.leave(deleted);
      await publish(transaction, terms, names, concern);
      const fleet = await transaction.tables.hosts.fleet(transaction.session);
      await convergeNamed(heard(transaction, hear), concern, names, fleet);
      await requireSize(transaction, terms);
      const log = await transaction.log.finish();
      await permitShrink(transaction, terms, log.heads);
      if (confirm !== undefined) await requireConfirmable(transaction, log.heads);
      const { hosts, rev } = log;
      const some = { deleted: deleted.length, names: deleted.slice(0, AUDITED_NAMES), absent: absent.length };
      const { departures } = transaction.log;
      const making = {
        verb: 'delete',
        detail: { ...some, hosts, rev, ...(confirm !== undefined && { confirm }) },
        origin: becauseOf(terms, origin),
        deeds,
        log,
        departures,
      };
      const change = await noteChange(transaction, this.#work.clock, making);
      return { v: 1, deleted, absent, hosts, rev, ...(await nearNames(transaction, absent)), change };
    });
  }

  async recover(origin: Origin = {}): Promise<RecoverReply> {
    return this.#work.beginAnew(async (transaction, part) => {
      const nowMs = this.#work.clock.nowMs();
      const reply = await beginAnew(transaction, part, nowMs);
      await noteChange(transaction, this.#work.clock, { verb: 'recover', detail: reply, origin });
      return reply;
    });
  }

  change(request: ChangeRequest, budgetBytes: number): Promise<ChangeReply> {
    const nowMs = this.#work.clock.nowMs();
    return this.#work.read((transaction) => changeState(transaction, request, nowMs, budgetBytes));
  }

  history(request: HistoryRequest, budgetBytes: number): Promise<HistoryReply> {
    return this.#work.read((transaction) => listHistory(transaction, request, budgetBytes));
  }

  get(request: GetRequest, budgetBytes: number, rates?: RatesNow): Promise<GetReply> {
    return this.#work.read((transaction) => listSpecs(transaction, request, { ...this.#terms(budgetBytes), rates }));
  }

  names(request: NamesRequest, budgetBytes: number): Promise<NamesReply> {
    return this.#work.read((transaction) => listNames(transaction, request, budgetBytes));
  }

  hosts(request: HostsRequest, budgetBytes: number): Promise<HostsReply> {
    return this.#work.read((transaction) => listHosts(transaction, request, this.#terms(budgetBytes)));
  }

  #terms(budgetBytes: number) {
    return { nowMs: this.#work.clock.nowMs(), budgetBytes };
  }

  async forget(request: ForgetRequest, origin: Origin = {}): Promise<ForgetReply> {
    const { clock } = this.#work;
    return this.#work.change(async (transaction) => {
      const reply = await forget(transaction, request, clock.nowMs());
      await transaction.log.finish();
      const making = { verb: 'forget', detail: { host: reply.host }, origin };
      if (reply.known) await noteChange(transaction, clock, making);
      return reply;
    });
  }
}

/** What an apply says of selectors that find nobody; nothing where all is well. */
function nobody({ unmatched, unheard }: Strangers): Partial<ApplyReply> {
  return {
    ...(unmatched.length > 0 && { unmatched: unmatched.slice(0, MAX_STRANGERS), unmatchedTotal: unmatched.length }),
    ...(unheard.length > 0 && { unheard: unheard.slice(0, MAX_STRANGERS), unheardTotal: unheard.length }),
  };
}

/** What an operator changes from here on is to be confirmed, if that was asked for. */
async function publish(
  transaction: LogTransaction,
  { confirm }: Terms,
  names: readonly string[],
  concern: Concern,
): Promise<void> {
  if (confirm === undefined) return;
  transaction.log.publish(confirm);
  await retryReverted(transaction, names, concern);
}

const unheard: Hear = () => {};

/** The same transaction; where others would get their turn, it is told how far it has come, and of very few keys they get none. */
function heard(transaction: LogTransaction, hear: Hear): LogTransaction {
  let turned = 0;
  const turn = async (): Promise<void> => {
    const { seen } = transaction.log;
    hear(seen);
    if (seen - turned < KEYS_AT_ONCE) return;
    turned = seen;
    await transaction.turn();
  };
  return { ...transaction, turn };
}
