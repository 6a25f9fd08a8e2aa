import { once } from 'node:events';
import { createInbox, headers, type Msg, type MsgHdrs, type NatsConnection, type NatsError } from 'nats';
import { type BusAccess, isNamed, otherAccess } from '../bus/access.ts';
import { BusError } from '../bus/error.ts';
import { requestError } from '../bus/nats-error.ts';
import { API_VERBS, type ApiError, type ApiVerb, isApiError } from '../protocol/api.ts';
import type { AskError, AskVerb } from '../protocol/ask.ts';
import { parseHostsReply } from '../protocol/listings.ts';
import { didYouMean } from '../protocol/near.ts';
import { ORIGIN_HEADER } from '../protocol/origin.ts';
import { Refused } from '../protocol/refused.ts';
import { makeSubjects, type Subjects } from '../protocol/subjects.ts';
import { parseWorking, WORKING_HEADER } from '../protocol/working.ts';
import { type ConnectionOptions, connectTo } from './connect.ts';
import { accessOf } from './line/access.ts';
import { EXIT, Failure } from './line/failure.ts';
import { knownHosts, nearHost } from './near-host.ts';
import { originHeader } from './origin.ts';
import { Patience } from './patience.ts';
import { waitText } from './show/format.ts';
import { within } from './within.ts';

export type BusOptions = ConnectionOptions;

const TRY_AGAIN = 'try again, or wait longer with --timeout';

/** Whom a request is for, as messages name it, and what to do when nobody is there. */
interface Peer {
  readonly who: string;
  readonly code: 'NO_CONTROLLER' | 'NO_AGENT';
  readonly absent: string;
  /** What to do when it does not answer in time. */
  readonly late: string;
}

/**
 * How to ask: what a refusal becomes; how much longer than usual the answer of a controller may take that does not say
 * that it works; and who hears how far it has come.
 */
export interface Asking {
  readonly refuse?: (error: ApiError['error']) => Failure;
  readonly patienceMs?: number;
  readonly hear?: (done: number) => void;
  /** Of what changes something: the files that it is from. */
  readonly files?: readonly string[];
}

/** A request on which there may be signs of work: how long for the first of them, who hears of it, and its headers. */
interface Working {
  readonly firstMs: number;
  readonly hear: (done: number) => void;
  readonly marked: MsgHdrs;
}

/** Longer than any patience: what is over before is over by that. */
const NEVER_MS = 2 ** 31 - 1;

/** A connection for the length of one command: one attempt, no reconnecting, every error a Failure. */
export class Bus implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #subjects: Subjects;
  readonly #timeoutMs: number;
  readonly #where: string;
  readonly #access: BusAccess;
  /** Read when the first host does not answer, and no more after that. */
  #known: Promise<readonly string[]> | undefined;
  /** Rejected when the server does not let us listen, or does not any more. */
  readonly #deaf = Promise.withResolvers<never>();

  private constructor(connection: NatsConnection, options: BusOptions, access: BusAccess) {
    this.#connection = connection;
    this.#subjects = makeSubjects(options['root-subject']);
    this.#timeoutMs = options.timeout;
    this.#access = access;
    this.#where = `nats://${connection.getServer()}`;
    this.#deaf.promise.catch(() => {}); // whoever listens has it
  }

  /** Connects to the first server that answers. Errors: Failure NO_BUS, NOT_PERMITTED, USAGE. */
  static async open(options: BusOptions): Promise<Bus> {
    const access = accessOf(options);
    return new Bus(await connectTo(options, access), options, access);
  }

  /** The longest message that the server takes, in bytes. */
  get maxPayloadBytes(): number {
    return this.#connection.info?.max_payload ?? 0;
  }

  /** Whether the server lets in whoever comes, as far as it says. */
  get isOpenToAll(): boolean {
    const info = this.#connection.info;
    return !isNamed(this.#access) || (info?.auth_required !== true && info?.tls_verify !== true);
  }

  /** Asks the controller; what it refuses becomes a Failure, through `refuse` where the caller knows more. */
  async api<T extends object>(
    verb: ApiVerb,
    request: Uint8Array,
    parse: (reply: Uint8Array) => T | ApiError,
    { refuse = refusalOf(verb), patienceMs = 0, hear = () => {}, files = [] }: Asking = {},
  ): Promise<T> {
    const subject = this.#subjects.api(verb);
    const absent = `the bus answers, but no controller on ${subject} at ${this.#where}; run shunt controller, read in its log what keeps it off this bus, or name another with --nats`;
    const late = API_VERBS[verb] ? 'it may still do it; see shunt get, or repeat it: that is harmless' : TRY_AGAIN;
    const peer: Peer = { who: 'the controller', code: 'NO_CONTROLLER', absent, late };
    const marked = headers();
    if (API_VERBS[verb]) marked.set(ORIGIN_HEADER, originHeader(files));
    const firstMs = this.#timeoutMs + patienceMs;
    const data = await this.#requestWork(subject, request, peer, { firstMs, hear, marked });
    const reply = this.#read(() => parse(data), 'the controller');
    if (isApiError(reply)) throw refuse(reply.error);
    return reply;
  }

  /** Asks the agent of a host. */
  async ask<T extends object>(
    host: string,
    verb: AskVerb,
    request: Uint8Array,
    parse: (reply: Uint8Array, host: string) => T | AskError,
    refuse: (error: AskError['error']) => Failure = ({ code, message }) =>
      new Failure(EXIT.refused, code, `the agent of ${host} refused ${verb}: ${message}`),
  ): Promise<T> {
    const who = `the agent of ${host}`;
    const absent = `no agent answers for host ${host} on ${this.#where}; see shunt hosts for the names, and run shunt agent there`;
    const peer: Peer = { who, code: 'NO_AGENT', absent, late: TRY_AGAIN };
    const asked = this.#request(this.#subjects.ask(host, verb), request, peer, this.#timeoutMs);
    const data = await asked.catch(async (error: unknown) => Promise.reject(await this.#meantHost(host, error)));
    const reply = this.#read(() => parse(data, host), who);
    if ('error' in reply) throw refuse(reply.error);
    return reply as T;
  }

  async #meantHost(host: string, error: unknown): Promise<unknown> {
    if (!(error instanceof Failure) || error.code !== 'NO_AGENT') return error;
    this.#known ??= knownHosts((request) => this.api('hosts', request, parseHostsReply));
    const near = nearHost(host, await this.#known);
    if (near === undefined) return error;
    const message = `no agent answers for host ${host} on ${this.#where}; ${didYouMean(near)}`;
    return new Failure(EXIT.unreachable, 'NO_AGENT', message, { cause: error });
  }

  /** Listens to the events of one host, or of all; resolves when the server knows. Errors: Failure NOT_PERMITTED. */
  async events(host: string | undefined, hear: (data: Uint8Array, host: string) => void): Promise<void> {
    const { eventAll, eventsOf, hostOf } = this.#subjects;
    const wanted = host === undefined ? eventAll : eventsOf(host);
    const callback = (error: NatsError | null, { subject, data }: Msg): void => {
      if (error === null) hear(data, hostOf(subject) ?? '');
      else this.#deaf.reject(this.#notPermitted(`listen to ${wanted}`, error));
    };
    this.#connection.subscribe(wanted, { callback });
    const heard = Promise.race([this.#connection.flush(), this.#deaf.promise]);
    await within(this.#timeoutMs, heard, 'listen').catch((error: unknown) => {
      if (!(error instanceof BusError)) throw error;
      const message = `no answer from ${this.#where} within ${waitText(this.#timeoutMs)}; ${TRY_AGAIN}`;
      throw new Failure(EXIT.unreachable, 'NO_BUS', message, { cause: error });
    });
  }

  /** Resolves when the signal aborts. Errors: Failure NO_BUS, NOT_PERMITTED when nothing can be heard any more. */
  async stayUntil(signal: AbortSignal): Promise<void> {
    const ended = signal.aborted ? Promise.resolve() : once(signal, 'abort').then(() => undefined);
    const closed = this.#connection.closed().then((error) => ({ error }));
    const lost = await Promise.race([ended, closed, this.#deaf.promise]);
    if (lost === undefined) return;
    const why = lost.error?.message ?? 'the server closed the connection';
    throw new Failure(EXIT.unreachable, 'NO_BUS', `lost ${this.#where}: ${why}; run it again`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }

  /** Waits for an answer as long as there are signs of work on it. */
  async #requestWork(
    subject: string,
    request: Uint8Array,
    peer: Peer,
    { firstMs, hear, marked }: Working,
  ): Promise<Uint8Array> {
    const late = (waitedMs: number): Failure => lateFailure(subject, peer, waitedMs);
    using patience = new Patience(firstMs, this.#timeoutMs, late);
    const inbox = createInbox();
    const callback = (error: NatsError | null, { data }: Msg): void => {
      if (error !== null) return;
      const done = doneOf(data);
      patience.renew(done);
      hear(done);
    };
    marked.set(WORKING_HEADER, inbox);
    if (this.#connection.isClosed()) throw this.#lost(peer.who, 'the server closed the connection');
    const signs = this.#connection.subscribe(inbox, { callback });
    try {
      return await Promise.race([this.#request(subject, request, peer, NEVER_MS, marked), patience.late]);
    } finally {
      signs.unsubscribe();
    }
  }

  async #request(
    subject: string,
    request: Uint8Array,
    peer: Peer,
    timeoutMs: number,
    marked?: MsgHdrs,
  ): Promise<Uint8Array> {
    if (request.length > this.maxPayloadBytes) {
      const message = `${subject}: a request of ${request.length} bytes, and ${this.#where} takes ${this.maxPayloadBytes}; ask for less at once`;
      throw new Failure(EXIT.refused, 'TOO_LARGE', message);
    }
    try {
      const given = { timeout: timeoutMs, ...(marked !== undefined && { headers: marked }) };
      return (await this.#connection.request(subject, request, given)).data;
    } catch (error) {
      throw this.#requestFailure(error, subject, peer, timeoutMs);
    }
  }

  #requestFailure(error: unknown, subject: string, peer: Peer, timeoutMs: number): unknown {
    const { who, code, absent } = peer;
    const failed = requestError(error, `ask ${who}`);
    if (!(failed instanceof BusError)) return failed;
    const cause = { cause: failed };
    switch (failed.code) {
      case 'NO_RESPONDERS':
        return new Failure(EXIT.unreachable, code, absent, cause);
      case 'TIMEOUT':
        return lateFailure(subject, peer, timeoutMs, failed);
      case 'NOT_ALLOWED':
        return this.#notPermitted(`ask on ${subject}`, failed);
      default: {
        return this.#lost(who, failed.reason, failed);
      }
    }
  }

  #lost(who: string, reason: string, cause?: Error): Failure {
    const message = `lost ${this.#where} while asking ${who}: ${reason}; try again`;
    return new Failure(EXIT.unreachable, 'NO_BUS', message, cause && { cause });
  }

  #notPermitted(what: string, cause: Error): Failure {
    const message = `${this.#where} does not let this user ${what}; ${otherAccess(this.#access)}`;
    return new Failure(EXIT.refused, 'NOT_PERMITTED', message, { cause });
  }

  #read<T>(parse: () => T, who: string): T {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const message = `${who} answered what this version does not understand: ${error.message}; are both of one version?`;
      throw new Failure(EXIT.refused, error.code, message, { cause: error });
    }
  }
}

function lateFailure(subject: string, { who, late }: Peer, waitedMs: number, cause?: Error): Failure {
  const message = `${who} did not answer on ${subject} within ${waitText(waitedMs)}; ${late}`;
  return new Failure(EXIT.unfinished, 'TIMED_OUT', message, cause && { cause });
}

/** A sign that is not understood is one all the same: it is of a newer controller. */
function doneOf(sign: Uint8Array): number {
  try {
    return parseWorking(sign).done;
  } catch (error) {
    if (error instanceof Refused) return 0;
    throw error;
  }
}

function refusalOf(verb: ApiVerb): (error: ApiError['error']) => Failure {
  return ({ code, message }) => new Failure(EXIT.refused, code, `the controller refused ${verb}: ${message}`);
}
