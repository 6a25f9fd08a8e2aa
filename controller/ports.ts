import type { ApplyReply, ApplyRequest } from '../protocol/api.ts';
import type { ChangeReply, ChangeRequest } from '../protocol/change-state.ts';
import type { DeleteReply } from '../protocol/delete.ts';
import type { ForgetReply, ForgetRequest } from '../protocol/forget.ts';
import type { HistoryReply, HistoryRequest } from '../protocol/history.ts';
import type { GetReply, GetRequest, HostsReply, HostsRequest } from '../protocol/listings.ts';
import type { NamesReply, NamesRequest } from '../protocol/names.ts';
import type { Origin } from '../protocol/origin.ts';
import type { Page, SyncRequest } from '../protocol/page.ts';
import type { PlanReply, PlanRequest } from '../protocol/plan.ts';
import type { PlanPage, PlanPageRequest } from '../protocol/plan-page.ts';
import type { RecoverReply } from '../protocol/recover.ts';
import type { Refused } from '../protocol/refused.ts';
import type {
  RolloutAbortRequest,
  RolloutExcludeRequest,
  RolloutPauseRequest,
  RolloutReply,
  RolloutResumeRequest,
  RolloutRollbackRequest,
  RolloutVerdictRequest,
} from '../protocol/rollout-acts.ts';
import type { RolloutListReply, RolloutListRequest } from '../protocol/rollout-list.ts';
import type { RolloutStartReply, RolloutStartRequest } from '../protocol/rollout-start.ts';
import type { RolloutStatusReply, RolloutStatusRequest } from '../protocol/rollout-status.ts';
import type { Status } from '../protocol/status.ts';
import type { Terms } from '../protocol/terms.ts';
import type { RedirectRate } from '../protocol/top.ts';
import type { Update } from '../protocol/update.ts';
import type { Counted } from './model/counted.ts';

/** A status and when it came, in ms since 1970 by the controller's clock. */
export interface Report {
  readonly status: Status;
  readonly seenAtMs: number;
  /** Up to which rev the host has said for long enough that it applied all; absent where that is not known. */
  readonly steady?: number;
}

/** How far the log of a host has come. */
export interface Head {
  readonly host: string;
  readonly rev: number;
}

/** Whose logs or marks moved, and how far both were counted by then. */
export interface Moved {
  /** The newest rev of all. */
  readonly rev: number;
  readonly marks: number;
  readonly heads: readonly Head[];
  /** The hosts whose marks rose. */
  readonly marked: readonly string[];
}

/** Hears how far work has come: how many redirects of hosts, or of a plan hosts, were gone through so far. */
export type Hear = (done: number) => void;

/** What an apply did, as the operator is told it; `named` has the first redirects of each kind, for the log. */
export interface Applied extends ApplyReply {
  readonly named: { readonly created: readonly string[]; readonly changed: readonly string[] };
}

/** What operators ask of the controller. Errors: Declined, and then nothing was changed. */
export interface Desk {
  /** Keeps a part of an upload until the last one comes. */
  stage(part: ApplyRequest | PlanRequest): Promise<void>;
  /** Takes the last part, and with it the whole upload or nothing. */
  apply(last: ApplyRequest, hear?: Hear, origin?: Origin): Promise<Applied>;
  /** Takes the last part as `apply` does, and says what would be done. */
  plan(last: PlanRequest, budgetBytes: number, hear?: Hear): Promise<PlanReply>;
  /** One of the pages that such an answer counts; after the last, none of them is there any more. */
  planPage(request: PlanPageRequest): Promise<PlanPage>;
  delete(names: readonly string[], hear?: Hear, terms?: Terms, origin?: Origin): Promise<DeleteReply>;
  /** Begins the history of the log anew (R7). */
  recover(origin?: Origin): Promise<RecoverReply>;
  get(request: GetRequest, budgetBytes: number, rates?: RatesNow): Promise<GetReply>;
  names(request: NamesRequest, budgetBytes: number): Promise<NamesReply>;
  hosts(request: HostsRequest, budgetBytes: number): Promise<HostsReply>;
  forget(request: ForgetRequest, origin?: Origin): Promise<ForgetReply>;
  /** What has become of a change on its hosts, as they said last. */
  change(request: ChangeRequest, budgetBytes: number): Promise<ChangeReply>;
  /** The changes of one redirect, or of all. */
  history(request: HistoryRequest, budgetBytes: number): Promise<HistoryReply>;
}

/** A host that is to be told what is new after a rev; where its marks moved, it is told those at least. */
export interface Asked extends Head {
  readonly isMarked: boolean;
}

/** What of the logs is to be told. `budgetBytes` is what the changes of one message may take. */
export interface NewsOfLogs {
  /**
   * What the first of these hosts are told, in their order, as many as have few changes together: what is new, a hint when that
   * is too much, `undefined` when there is nothing, or why the log cannot be read as what it should be.
   */
  updates(asked: readonly Asked[], budgetBytes: number): Promise<readonly (Update | Refused | undefined)[]>;
  /** The hosts whose logs moved after a rev, and those whose marks rose since they were counted so far. */
  movedAfter(rev: number, marks?: number): Promise<Moved>;
}

/** What a change wrote that was little, as its hosts are told it, and how far revs and marks were counted before it and after it. */
export interface Written {
  readonly from: Pick<Moved, 'rev' | 'marks'>;
  readonly to: Pick<Moved, 'rev' | 'marks'>;
  readonly updates: readonly Update[];
}

/** The logs of the hosts. */
export interface Logs extends Pick<NewsOfLogs, 'movedAfter'> {
  page(request: SyncRequest, budgetBytes: number): Promise<Page>;
  /** Reads what belongs together from one state of the logs, which costs little more than the first of it. */
  together<T>(read: (now: NewsOfLogs) => Promise<T>): Promise<T>;
  /** What changes of this process wrote and committed, each told once; of what was much there is nothing here. */
  written(): readonly Written[];
}

/** What the controller knows of the hosts themselves. */
export interface Roster {
  /** Notes what hosts reported; the log of one that is new or has other labels follows. */
  report(reports: readonly Report[]): Promise<void>;
}

/** How fast packets meet redirects now, by what hosts told last. */
export interface RatesNow {
  /** On the hosts that are to have it, all and those that are complete; undefined where none of them told a rate that still counts. */
  of(name: string, hosts: { readonly total: number; readonly complete: number }): RedirectRate | undefined;
  /** Whether a host told of every redirect that packets meet there: one that it does not name has none. */
  isComplete(host: string): boolean;
}

/** A host whose counts a rollout wants to know. */
export interface Watched {
  readonly host: string;
  /** What the rollout told it last, 0 for nothing: with another one it is counted from the beginning. */
  readonly rev: number;
  /** Redirects of the rollout there, by key, with the rev from which on their packets count. */
  readonly keys: ReadonlyMap<string, number>;
  /** Whether it has no others. */
  readonly isAll: boolean;
}

/** What hosts count while rollouts run. */
export interface Counting {
  /** From now on these hosts are asked for a rollout, each so often, and no others. */
  watch(rollout: string, hosts: readonly Watched[], everyMs: number): void;
  /** Nobody is asked for it any more, and what was told is forgotten. */
  forget(rollout: string): void;
  /** The rollouts that hosts are asked for. */
  readonly rollouts: Iterable<string>;
  /** What a host told for a rollout so far; undefined where it never answered. */
  of(rollout: string, host: string): Counted | undefined;
}

/** Changes that go from host to host in waves. Errors: Declined, and then nothing was changed. */
export interface Rollouts {
  /** Does at most one step of each that is under way; answers whether anything was done that others may follow. */
  advance(): Promise<boolean>;
  /** Takes the last part of an upload, as an apply does; other parts go to `Desk.stage`. */
  start(last: RolloutStartRequest, hear?: Hear, origin?: Origin): Promise<RolloutStartReply>;
  list(request: RolloutListRequest, budgetBytes: number): Promise<RolloutListReply>;
  status(request: RolloutStatusRequest, budgetBytes: number): Promise<RolloutStatusReply>;
  pause(request: RolloutPauseRequest, origin?: Origin): Promise<RolloutReply>;
  resume(request: RolloutResumeRequest, origin?: Origin): Promise<RolloutReply>;
  abort(request: RolloutAbortRequest, origin?: Origin): Promise<RolloutReply>;
  rollback(request: RolloutRollbackRequest, origin?: Origin): Promise<RolloutReply>;
  exclude(request: RolloutExcludeRequest, origin?: Origin): Promise<RolloutReply>;
  verdict(request: RolloutVerdictRequest, origin?: Origin): Promise<RolloutReply>;
}

/** What keeps the database in order, whatever happens. */
export interface Upkeep {
  /** Makes every host's log say again what the specs say, a few hosts at a time. */
  reconcile(signal: AbortSignal): Promise<void>;
  /** The redirects that stand and that an apply would refuse now: an earlier release took them. */
  refused(): Promise<readonly string[]>;
  /** Looks through the database, drops tombstones that no live host needs, and uploads that nobody ended. */
  tidy(): Promise<void>;
}

/** A message as it came; nothing in it is to be trusted. */
export interface Incoming {
  readonly subject: string;
  /** Where the sender waits for an answer; empty when it does not. */
  readonly replyTo: string;
  /** Where the sender wants to hear meanwhile that it is worked on. */
  readonly workingTo?: string;
  /** Who asks for it, from where and why, as the header says it; empty where it does not. */
  readonly origin?: string;
  readonly data: Uint8Array;
}

/** The bus, which may lose, repeat and reorder all that it carries. */
export interface Bus {
  /** False while there is no server; what is published then is lost. */
  readonly connected: boolean;
  /** Nothing longer is ever sent: the server would close the connection. */
  readonly maxPayloadBytes: number;
  /** Errors: BusError TOO_LARGE. */
  publish(subject: string, data: Uint8Array): void;
  /** Resolves when the server has what was published. */
  flush(): Promise<void>;
  /** Asks, and waits some seconds for one answer. Errors: BusError, also where nobody listens or answers; the signal's reason. */
  request(subject: string, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** Hands each message to `receive`; of several controllers, one in `queue` gets it. */
  subscribe(subject: string, receive: (message: Incoming) => Promise<void>, queue?: string): void;
  /** Calls back when there is a server again. */
  onConnect(callback: () => void): void;
}
