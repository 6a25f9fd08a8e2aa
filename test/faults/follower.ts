import { atStart, next } from '../../agent/follow/footing.ts';
import { runSync } from '../../agent/follow/sync.ts';
import type { Footing } from '../../agent/model/footing.ts';
import type { Logs } from '../../controller/ports.ts';
import { Refusals } from '../../controller/serve/refusals.ts';
import { SyncService } from '../../controller/serve/sync-service.ts';
import { makeSystemClock } from '../../daemon/clock.ts';
import { type Intent, intentBody } from '../../protocol/intent.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { MemoryStore } from '../fakes/memory-store.ts';

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const SUBJECTS = makeSubjects();
const MAX_PAYLOAD_BYTES = 1_048_576;

/** A host that follows its log by the agent's own rules, and what stands there: what it holds, proven. */
export class Follower {
  readonly host: string;
  readonly store = new MemoryStore();
  /** Why the last sync changed nothing; empty when all is well. */
  code = '';
  #footing: Footing | undefined;

  constructor(host: string) {
    this.host = host;
  }

  /** Bodies by key, as the kernel would have them. */
  get standing(): ReadonlyMap<string, string> {
    return new Map([...this.store.set].map(([key, intent]) => [key, intentBody(intent as Intent)]));
  }

  get footing(): Footing {
    this.#footing ??= atStart({ ...this.store.stored, newer: false }, undefined);
    return this.#footing;
  }

  /** Another one that holds the same. */
  copy(): Follower {
    const copy = new Follower(this.host);
    copy.store.stored = this.store.stored;
    copy.store.set = this.store.set;
    copy.#footing = this.#footing;
    return copy;
  }

  /** Asks until the log has nothing more to say. */
  async sync(logs: Pick<Logs, 'page'>): Promise<void> {
    const result = await runSync({
      anew: false,
      host: this.host,
      footing: this.footing,
      request: (bytes) => ask(logs, this.host, bytes),
      refused: () => {},
      heard: () => {},
      accept: async (candidate) => {
        const acceptance = await this.store.accept(candidate);
        if (acceptance.outcome === 'accepted') {
          const { cursor: at, digest } = candidate;
          this.#footing = next(this.footing, { kind: 'accepted', at, digest, whole: acceptance.whole });
        }
        return acceptance;
      },
    });
    if (result.outcome === 'held') this.#footing = next(this.footing, { kind: 'held', hold: result.hold });
    if (result.outcome === 'current') this.#footing = next(this.footing, { kind: 'current' });
    this.code = codeOf(result, this.footing);
  }
}

function codeOf(result: Awaited<ReturnType<typeof runSync>>, footing: Footing): string {
  if (result.outcome === 'failed') return result.code;
  return footing.is === 'held' ? footing.why : '';
}

/** Asks as over a bus, so that answers are encoded, judged and parsed as they are there. */
async function ask(logs: Pick<Logs, 'page'>, host: string, data: Uint8Array): Promise<Uint8Array> {
  const answers: Uint8Array[] = [];
  const bus = {
    maxPayloadBytes: MAX_PAYLOAD_BYTES,
    publish: (_: string, answer: Uint8Array) => void answers.push(answer),
  };
  const clock = makeSystemClock();
  const refusals = new Refusals(SILENT, clock);
  const service = new SyncService({ logs, bus, subjects: SUBJECTS, refusals, clock, log: SILENT });
  await service.receive({ subject: SUBJECTS.sync(host), replyTo: `${SUBJECTS.inbox(host)}.1`, data });
  const [answer] = answers;
  if (answer === undefined) throw new Error(`no answer for ${host}`);
  return answer;
}
