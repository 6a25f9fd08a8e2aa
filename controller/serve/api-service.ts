import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import {
  type ApiError,
  type ApiVerb,
  encodeApiError,
  encodeApplyReply,
  isApiVerb,
  parseApplyRequest,
} from '../../protocol/api.ts';
import { encodeChangeReply, parseChangeRequest } from '../../protocol/change-state.ts';
import { type DeleteReply, encodeDeleteReply, parseDeleteRequest } from '../../protocol/delete.ts';
import { encodeForgetReply, parseForgetRequest } from '../../protocol/forget.ts';
import { encodeHistoryReply, parseHistoryRequest } from '../../protocol/history.ts';
import { bytesOf, listBudgetBytes, MAX_MESSAGE_BYTES } from '../../protocol/json.ts';
import { encodeGetReply, encodeHostsReply, parseGetRequest, parseHostsRequest } from '../../protocol/listings.ts';
import { encodeNamesReply, parseNamesRequest } from '../../protocol/names.ts';
import { type Origin, parseOrigin } from '../../protocol/origin.ts';
import { encodePlanReply, parsePlanRequest } from '../../protocol/plan.ts';
import { encodePlanPage, parsePlanPageRequest } from '../../protocol/plan-page.ts';
import { encodeRecoverReply, parseRecoverRequest } from '../../protocol/recover.ts';
import { Refused } from '../../protocol/refused.ts';
import type { Problem } from '../../protocol/spec.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { encodeTopReply, parseTopRequest } from '../../protocol/top.ts';
import { Declined } from '../model/declined.ts';
import { StoreError } from '../model/store-error.ts';
import type { Applied, Bus, Desk, Hear, Incoming, Rollouts } from '../ports.ts';
import { isRolloutVerb, RolloutApi } from './rollout-api.ts';
import type { Traffic } from './traffic.ts';
import { Working } from './working.ts';

/** Of what a delete took out, so many redirects are named in the log. */
const LOGGED_NAMES = 20;
/** Requests at hand at a time; each may hold a whole message. */
export const MAX_AT_HAND = 64;

interface ApiParts {
  readonly desk: Desk;
  readonly rollouts: Rollouts;
  readonly traffic: Pick<Traffic, 'now' | 'top'>;
  readonly bus: Pick<Bus, 'publish' | 'maxPayloadBytes'>;
  readonly subjects: Subjects;
  readonly clock: Pick<Clock, 'delay'>;
  readonly log: Log;
  /** Logs may have moved. */
  readonly onChange: () => void;
}

/** What comes with a request beside what it says itself. */
interface Asked {
  readonly hear: Hear;
  /** As the header has it. */
  readonly origin: string;
  /** Does what nobody waits for, once the answer is on its way. */
  readonly later: (rest: () => void) => void;
}

/** Answers operators: one verb, one request, one reply. */
export class ApiService {
  readonly #parts: ApiParts;
  readonly #rollouts: RolloutApi;
  #atHand = 0;

  constructor(parts: ApiParts) {
    this.#parts = parts;
    this.#rollouts = new RolloutApi(parts);
  }

  /** Takes one request. Never rejects. One that nobody waits for is not done: its outcome would be told to no one. */
  async receive({ subject, replyTo, workingTo = '', origin = '', data }: Incoming): Promise<void> {
    if (replyTo === '') return;
    const { bus, clock, subjects } = this.#parts;
    this.#atHand += 1;
    try {
      await using working = new Working(workingTo, bus, clock);
      const rest: (() => void)[] = [];
      const asked: Asked = { hear: working.hear, origin, later: (one) => rest.push(one) };
      const reply = await this.#answer(subjects.verbOf(subject) ?? '', data, asked);
      await this.#end(() => bus.publish(replyTo, this.#fitting(reply)), rest);
    } catch (error) {
      this.#parts.log.error({ error, subject }, 'api: an answer could not be sent');
    } finally {
      this.#atHand -= 1;
    }
  }

  /** What is published in one turn goes out in one piece: the answer, and with it what hosts are told. */
  async #end(publish: () => void, rest: readonly (() => void)[]): Promise<void> {
    try {
      publish();
    } finally {
      for (const one of rest) {
        one();
        await undefined;
      }
    }
  }

  async #answer(verb: string, data: Uint8Array, asked: Asked): Promise<Uint8Array> {
    try {
      if (this.#atHand > MAX_AT_HAND) throw new Declined('BUSY', 'too many requests at once; try again');
      if (isApiVerb(verb)) return await this.#act(verb, data, asked);
      throw new Declined('UNKNOWN_VERB', `${verb} is not a verb of this controller; it may be of another release`);
    } catch (error) {
      return this.#refuse(verb, error);
    }
  }

  async #act(verb: ApiVerb, data: Uint8Array, asked: Asked): Promise<Uint8Array> {
    const { hear, origin, later } = asked;
    const { desk, bus, log, onChange } = this.#parts;
    const budgetBytes = listBudgetBytes(bus.maxPayloadBytes);
    if (isRolloutVerb(verb)) return this.#rollouts.act(verb, data, { hear, origin, budgetBytes });
    switch (verb) {
      case 'apply':
        return this.#apply(data, asked);
      case 'plan':
        return this.#plan(data, budgetBytes, hear);
      case 'plan-page':
        return encodePlanPage(await desk.planPage(parsePlanPageRequest(data)));
      case 'delete': {
        const { names, ...terms } = parseDeleteRequest(data);
        this.#requireRoom(names);
        const by = parseOrigin(origin);
        const reply = await desk.delete(names, hear, terms, by);
        later(onChange);
        later(() => this.#logDelete(reply, by));
        return encodeDeleteReply(reply);
      }
      case 'recover':
        return this.#recover(data, parseOrigin(origin));
      case 'get':
        return encodeGetReply(await desk.get(parseGetRequest(data), budgetBytes, this.#parts.traffic.now()));
      case 'names':
        return encodeNamesReply(await desk.names(parseNamesRequest(data), budgetBytes));
      case 'hosts':
        return encodeHostsReply(await desk.hosts(parseHostsRequest(data), budgetBytes));
      case 'top':
        return encodeTopReply(this.#parts.traffic.top(parseTopRequest(data), budgetBytes));
      case 'forget': {
        const reply = await desk.forget(parseForgetRequest(data), parseOrigin(origin));
        if (reply.known) log.info({ host: reply.host }, 'host forgotten');
        onChange();
        return encodeForgetReply(reply);
      }
      case 'change':
        return encodeChangeReply(await desk.change(parseChangeRequest(data), budgetBytes));
      case 'history':
        return encodeHistoryReply(await desk.history(parseHistoryRequest(data), budgetBytes));
    }
  }

  async #apply(data: Uint8Array, { hear, origin, later }: Asked): Promise<Uint8Array> {
    const { desk, onChange } = this.#parts;
    const by = parseOrigin(origin);
    const request = parseApplyRequest(data);
    const { v, upload, part } = request;
    if (part < request.parts - 1) {
      await desk.stage(request);
      return encodeApplyReply({ v, upload, part });
    }
    const reply = await desk.apply(request, hear, by);
    later(onChange);
    later(() => this.#logApply(reply, by));
    return encodeApplyReply(reply);
  }

  async #recover(data: Uint8Array, origin: Origin): Promise<Uint8Array> {
    parseRecoverRequest(data);
    const reply = await this.#parts.desk.recover(origin);
    this.#parts.onChange();
    const { epoch, superseded, foreign, unheard } = reply;
    this.#parts.log.warn({ epoch, superseded, foreign, unheard }, 'history begun anew: hosts take their whole set');
    return encodeRecoverReply(reply);
  }

  #logApply({ created, changed, unchanged, deleted, hosts, rev, change, named }: Applied, origin: Origin): void {
    const counts = { created, changed, unchanged, ...(deleted !== undefined && { deleted }) };
    this.#parts.log.info({ ...counts, hosts, rev, change, ...actorOf(origin), named }, 'redirects applied');
  }

  #logDelete({ deleted, absent, hosts, rev, change }: DeleteReply, origin: Origin): void {
    const named = deleted.slice(0, LOGGED_NAMES);
    const counts = { deleted: deleted.length, absent: absent.length, hosts, rev };
    const facts = { ...counts, change, ...actorOf(origin), named };
    this.#parts.log.info(facts, 'redirects deleted');
  }

  async #plan(data: Uint8Array, budgetBytes: number, hear: Hear): Promise<Uint8Array> {
    const { desk } = this.#parts;
    const request = parsePlanRequest(data);
    const { v, upload, part } = request;
    if (part === request.parts - 1) return encodePlanReply(await desk.plan(request, budgetBytes, hear));
    await desk.stage(request);
    return encodePlanReply({ v, upload, part });
  }

  #refuse(verb: string, error: unknown): Uint8Array {
    if (error instanceof Refused) return this.#encode({ code: error.code, message: error.message });
    if (error instanceof Declined) {
      const { code, message, problems } = error;
      return this.#encodeProblems({ code, message }, problems);
    }
    if (error instanceof StoreError && error.code === 'BUSY')
      return this.#encode({ code: 'BUSY', message: error.message });
    this.#parts.log.error({ error, verb }, 'api: a request failed');
    const reason = error instanceof Error ? error.message : String(error);
    return this.#encode({ code: 'INTERNAL', message: `${reason}; the log of the controller has more` });
  }

  /** Names as many problems as fit. */
  #encodeProblems(error: ApiError['error'], problems: readonly Problem[]): Uint8Array {
    if (problems.length === 0) return this.#encode(error);
    const data = this.#encode({ ...error, problems });
    if (data.length <= this.#roomBytes) return data;
    return this.#encodeProblems(error, problems.slice(0, Math.floor(problems.length / 2)));
  }

  /** A delete is told of by every name: what could not be told is not done. Errors: Declined TOO_LARGE. */
  #requireRoom(names: readonly string[]): void {
    const most = Number.MAX_SAFE_INTEGER;
    const reply = { v: 1, deleted: names, absent: [], hosts: most, rev: most, change: '-'.repeat(64) };
    const bytes = bytesOf(reply);
    if (bytes <= this.#roomBytes) return;
    const room = `a message on this bus holds ${this.#roomBytes}`;
    throw new Declined('TOO_LARGE', `an answer of ${bytes} bytes, and ${room}; delete fewer at once`);
  }

  get #roomBytes(): number {
    return Math.min(MAX_MESSAGE_BYTES, this.#parts.bus.maxPayloadBytes);
  }

  /** The answer, or that it is too long. */
  #fitting(data: Uint8Array): Uint8Array {
    if (data.length <= this.#roomBytes) return data;
    const room = `the bus takes ${this.#roomBytes}; set a higher max_payload on the server`;
    return this.#encode({ code: 'TOO_LARGE', message: `an answer of ${data.length} bytes, and ${room}` });
  }

  #encode(error: ApiError['error']): Uint8Array {
    return encodeApiError({ v: 1, error });
  }
}

function actorOf({ actor }: Origin): Pick<Origin, 'actor'> {
  return actor === undefined ? {} : { actor };
}
