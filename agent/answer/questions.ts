import type { Clock } from '../../daemon/clock.ts';
import {
  ASK_VERBS,
  type AskError,
  type AskRequest,
  type AskVerb,
  encodeAskError,
  encodeDump,
  isAskVerb,
  parseAskRequest,
} from '../../protocol/ask.ts';
import { UNPROVEN } from '../../protocol/codes.ts';
import { encodeCountsReply, parseCountsRequest } from '../../protocol/counts.ts';
import { type Events, encodeEvents } from '../../protocol/event.ts';
import { type Explanation, encodeExplanation, parseExplainRequest } from '../../protocol/explain.ts';
import { bytesOf, listBudgetBytes, MAX_MESSAGE_BYTES } from '../../protocol/json.ts';
import { encodeRearmReply, parseRearmRequest } from '../../protocol/rearm.ts';
import { Refused } from '../../protocol/refused.ts';
import { encodeReleaseReply } from '../../protocol/release.ts';
import { encodeResyncReply, type ResyncReply } from '../../protocol/resync.ts';
import { encodeStats, type Stats } from '../../protocol/stats.ts';
import { encodeStatus, type HostProblem, type Status } from '../../protocol/status.ts';
import { KernelError } from '../model/kernel-error.ts';
import type { Recorder } from '../ports.ts';
import { type CountsParts, tellCounts } from './counts.ts';
import { Dumper } from './dump.ts';
import { type ExplainParts, explain, findNetwork } from './explain.ts';
import { type RearmParts, rearm } from './rearm.ts';
import { type ReleaseParts, releaseAll } from './release.ts';
import { shorten } from './shorten.ts';
import { fewerLosses } from './stats.ts';

/** Whom questions are answered from. */
export interface QuestionParts extends ExplainParts, Pick<RearmParts, 'arm'>, Pick<CountsParts, 'boot'>, ReleaseParts {
  readonly view: ExplainParts['view'] & CountsParts['view'] & { readonly renewing: boolean };
  readonly recorder: Recorder;
  readonly clock: Pick<Clock, 'monotonicMs' | 'turn'>;
  readonly status: () => Status;
  /** What is wrong with the set of this host. */
  readonly problems: () => readonly HostProblem[];
  readonly stats: () => Stats;
  /** Takes the whole set anew, and answers what came of it. */
  readonly resync: () => Promise<Omit<ResyncReply, 'v' | 'host'>>;
}

const DEFAULT_EVENTS = 100;
const CUT_OFF: AskError['error'] = {
  code: 'NOT_ATTACHED',
  message: 'the pins of this host are gone, so no packet meets a redirect: run shunt attach there',
};

/** These look into the maps by what is known of them. */
const OF_MAPS: readonly AskVerb[] = ['dump', 'counts', 'explain'];

/** Answers what people ask of this agent: one verb, one request, one reply. */
export class Questions {
  readonly #parts: QuestionParts;
  readonly #dumper: Dumper;

  constructor(parts: QuestionParts) {
    this.#parts = parts;
    this.#dumper = new Dumper(parts.host, parts.view, parts.kernel, parts.clock);
  }

  /** The answer fits `maxBytes`. Errors: StoreError and KernelError; what is wrong with the question is an answer. */
  async answer(verb: string, bytes: Uint8Array, maxBytes = MAX_MESSAGE_BYTES): Promise<Uint8Array> {
    try {
      if (isAskVerb(verb)) return await this.#act(verb, bytes, maxBytes);
      const message = `this agent answers ${ASK_VERBS.join(', ')}, not ${verb}`;
      return this.#refuse({ code: 'UNKNOWN_VERB', message });
    } catch (error) {
      if (error instanceof Refused) return this.#refuse({ code: error.code, message: error.message });
      if (error instanceof KernelError && this.#isCutOff) return this.#refuse(CUT_OFF);
      throw error;
    }
  }

  /** Whether the pins are lost: whatever the kernel did not answer may come of that. */
  get #isCutOff(): boolean {
    return findNetwork(this.#parts.kernel.net) === undefined;
  }

  /** Why what the set does not name may stand in the kernel all the same; nothing where it may not. */
  get #unproven(): readonly HostProblem[] {
    const problems = this.#parts.problems();
    return problems.some(({ code }) => UNPROVEN.includes(code)) ? problems : [];
  }

  async #act(verb: AskVerb, bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
    if (OF_MAPS.includes(verb)) await this.#knowsTheMaps();
    switch (verb) {
      case 'status':
        parseAskRequest(bytes);
        return encodeStatus(this.#parts.status());
      case 'dump':
        return encodeDump(this.#dumper.page(parseAskRequest(bytes), listBudgetBytes(maxBytes), this.#unproven));
      case 'stats':
        parseAskRequest(bytes);
        return encodeStats(shorten(this.#parts.stats(), maxBytes, fewerLosses));
      case 'counts':
        return encodeCountsReply(tellCounts(this.#parts, parseCountsRequest(bytes), maxBytes));
      case 'explain':
        return await this.#explain(bytes, maxBytes);
      case 'events':
        return encodeEvents(await this.#events(parseAskRequest(bytes), maxBytes));
      case 'rearm':
        return encodeRearmReply(await rearm(this.#parts, parseRearmRequest(bytes)));
      case 'resync':
        parseAskRequest(bytes);
        return encodeResyncReply({ v: 1, host: this.#parts.host, ...(await this.#parts.resync()) });
      case 'release':
        parseAskRequest(bytes);
        return encodeReleaseReply(await releaseAll(this.#parts));
    }
  }

  /** While other maps take the place of those before, what is known is of those. */
  async #knowsTheMaps(): Promise<void> {
    while (this.#parts.view.renewing) await this.#parts.clock.turn();
  }

  async #explain(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
    const asked = parseExplainRequest(bytes);
    const unproven = this.#unproven;
    const explanation = await explain(this.#parts, asked, unproven);
    if (explanation !== undefined) return encodeExplanation(shorten(explanation, maxBytes, lessExplained));
    const what = 'key' in asked ? `with the key ${asked.key}` : asked.name;
    const last = 'key' in asked ? (await this.#parts.recorder.history(asked.key)).at(-1) : undefined;
    const past =
      last === undefined ? '' : `; the last that happened to it: ${last.kind} at ${new Date(last.at).toISOString()}`;
    const why = unproven.find(({ code }) => UNPROVEN.includes(code));
    if (why !== undefined) return this.#refuse({ code: why.code, message: notKnown(what, unproven) + past });
    return this.#refuse({ code: 'UNKNOWN_REDIRECT', message: `there is no redirect ${what} on this host${past}` });
  }

  /** Pages go back in time: `after` is where the page before ended. The oldest are left to the next one where not all fit. */
  async #events({ after, limit = DEFAULT_EVENTS }: AskRequest, maxBytes: number): Promise<Events> {
    const { host, recorder } = this.#parts;
    const { events, first } = await recorder.recent(readPlace(after), limit);
    const page: Events = { v: 1, host, items: events, next: first > 1 ? String(first) : null };
    if (limit === 1 || bytesOf(page) <= maxBytes) return page;
    return this.#events({ v: 1, ...(after !== undefined && { after }), limit: limit >> 1 }, maxBytes);
  }

  #refuse(error: AskError['error']): Uint8Array {
    return encodeAskError({ v: 1, host: this.#parts.host, error });
  }
}

function notKnown(what: string, problems: readonly HostProblem[]): string {
  const codes = problems.map(({ code }) => code).join(', ');
  return `whether there is a redirect ${what} on this host is not known, and what stands in its kernel is kept (${codes})`;
}

function readPlace(after: string | undefined): number {
  if (after === undefined) return Number.MAX_SAFE_INTEGER;
  if (/^[0-9]{1,15}$/.test(after)) return Number(after);
  throw new Refused('BAD_FIELD', 'after', 'expected the `next` of a reply');
}

/** The oldest events go, or the least specific overlaps, whichever take more. */
function lessExplained(told: Explanation): Explanation | undefined {
  const { events, overlaps } = told;
  if (events.length + overlaps.length === 0) return undefined;
  return bytesOf(events) > bytesOf(overlaps)
    ? { ...told, events: events.slice((events.length + 1) >> 1) }
    : { ...told, overlaps: overlaps.slice(0, overlaps.length >> 1) };
}
