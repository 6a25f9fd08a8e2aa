import type { Clock } from '../../daemon/clock.ts';
import {
  ASK_VERBS,
  type AskError,
  type AskVerb,
  encodeAskError,
  encodeDump,
  isAskVerb,
  parseAskRequest,
} from '../../protocol/ask.ts';
import { type Events, encodeEvents } from '../../protocol/event.ts';
import { encodeExplanation, parseExplainRequest } from '../../protocol/explain.ts';
import { Refused } from '../../protocol/refused.ts';
import { encodeStats, type Stats } from '../../protocol/stats.ts';
import { encodeStatus, type Status } from '../../protocol/status.ts';
import type { Recorder } from '../ports.ts';
import { Dumper } from './dump.ts';
import { type ExplainParts, explain } from './explain.ts';

/** Whom questions are answered from. */
export interface QuestionParts extends ExplainParts {
  readonly recorder: Recorder;
  readonly clock: Pick<Clock, 'monotonicMs' | 'turn'>;
  readonly status: () => Status;
  readonly stats: () => Stats;
}

const DEFAULT_EVENTS = 100;

/** Answers what people ask of this agent: one verb, one request, one reply. */
export class Questions {
  readonly #parts: QuestionParts;
  readonly #dumper: Dumper;

  constructor(parts: QuestionParts) {
    this.#parts = parts;
    this.#dumper = new Dumper(parts.host, parts.view, parts.kernel, parts.clock);
  }

  /** Errors: StoreError and KernelError; what is wrong with the question is an answer. */
  async answer(verb: string, bytes: Uint8Array): Promise<Uint8Array> {
    try {
      if (isAskVerb(verb)) return await this.#act(verb, bytes);
      const message = `this agent answers ${ASK_VERBS.join(', ')}, not ${verb}`;
      return this.#refuse({ code: 'UNKNOWN_VERB', message });
    } catch (error) {
      if (error instanceof Refused) return this.#refuse({ code: error.code, message: error.message });
      throw error;
    }
  }

  async #act(verb: AskVerb, bytes: Uint8Array): Promise<Uint8Array> {
    switch (verb) {
      case 'status':
        parseAskRequest(bytes);
        return encodeStatus(this.#parts.status());
      case 'dump':
        return encodeDump(this.#dumper.page(parseAskRequest(bytes)));
      case 'stats':
        parseAskRequest(bytes);
        return encodeStats(this.#parts.stats());
      case 'explain':
        return await this.#explain(bytes);
      case 'events':
        return encodeEvents(await this.#events(bytes));
    }
  }

  async #explain(bytes: Uint8Array): Promise<Uint8Array> {
    const asked = parseExplainRequest(bytes);
    const explanation = await explain(this.#parts, asked);
    if (explanation !== undefined) return encodeExplanation(explanation);
    const what = 'key' in asked ? `with the key ${asked.key}` : asked.name;
    const last = 'key' in asked ? (await this.#parts.recorder.history(asked.key)).at(-1) : undefined;
    const past =
      last === undefined ? '' : `; the last that happened to it: ${last.kind} at ${new Date(last.at).toISOString()}`;
    return this.#refuse({ code: 'UNKNOWN_REDIRECT', message: `there is no redirect ${what} on this host${past}` });
  }

  /** Pages go back in time: `after` is where the page before ended. */
  async #events(bytes: Uint8Array): Promise<Events> {
    const { after, limit = DEFAULT_EVENTS } = parseAskRequest(bytes);
    const { host, recorder } = this.#parts;
    const { events, first } = await recorder.recent(readPlace(after), limit);
    return { v: 1, host, items: events, next: first > 1 ? String(first) : null };
  }

  #refuse(error: AskError['error']): Uint8Array {
    return encodeAskError({ v: 1, host: this.#parts.host, error });
  }
}

function readPlace(after: string | undefined): number {
  if (after === undefined) return Number.MAX_SAFE_INTEGER;
  if (/^[0-9]{1,15}$/.test(after)) return Number(after);
  throw new Refused('BAD_FIELD', 'after', 'expected the `next` of a reply');
}
