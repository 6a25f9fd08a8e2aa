import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { CODES, type Code } from '../../protocol/codes.ts';
import { type HostProblem, MAX_HOST_PROBLEMS } from '../../protocol/status.ts';
import type { Footing } from '../model/footing.ts';
import type { Outbox } from '../ports.ts';
import { problemsOf } from './footing.ts';

/** Of several, a host names the gravest first: in the order in which codes are listed. */
const ORDER: readonly string[] = Object.keys(CODES);
/** A controller that gave no answer that counts for so long is said to be silent. */
const SILENT_MS = 60_000;

/** A problem of this agent's own; what others report may have other codes. */
export type Problem = HostProblem & { readonly code: Code };

export interface ProblemsParts {
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly log: Pick<Log, 'info' | 'error'>;
  readonly outbox: Pick<Outbox, 'changed'>;
}

/** Why the set is held, not proven, not stored or perhaps old. It is told at the start, and when it changes. */
export class Problems {
  /** The store refused the last that it was to take. */
  unwritable = false;
  readonly #parts: ProblemsParts;
  #list: readonly Problem[];
  /** When the controller last answered, or the agent began to ask; monotonic. */
  #answeredAtMs: number;
  #silent = false;

  constructor(parts: ProblemsParts, footing: Footing) {
    this.#parts = parts;
    this.#answeredAtMs = parts.clock.monotonicMs();
    this.#list = carryOn([], problemsOf(footing), parts.clock.nowMs());
    if (this.#list.length > 0) this.#tell(footing);
  }

  /** The gravest first. */
  get list(): readonly Problem[] {
    return this.#list;
  }

  /** The controller was asked, and gave an answer that counts or none. */
  asked(answered: boolean, footing: Footing): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (answered) this.#answeredAtMs = nowMs;
    this.#silent = nowMs - this.#answeredAtMs >= SILENT_MS;
    this.note(footing);
  }

  note(footing: Footing): void {
    const codes: Code[] = [...problemsOf(footing)];
    if (this.unwritable) codes.push('STORE_UNWRITABLE');
    if (this.#silent) codes.push('CONTROLLER_SILENT');
    const before = this.#list.map(({ code }) => code).join();
    this.#list = carryOn(this.#list, codes, this.#parts.clock.nowMs());
    if (this.#list.map(({ code }) => code).join() === before) return;
    this.#tell(footing);
    this.#parts.outbox.changed();
  }

  #tell({ is, at }: Footing): void {
    const { log } = this.#parts;
    if (this.#list.length === 0) log.info({ ...at }, 'desired state goes on');
    else log.error({ is, ...at, problems: this.#list.map(({ code }) => code) }, 'desired state is held');
  }
}

/** Lists what is wrong now, each code once; what was wrong before is so since then. Times in ms since 1970. */
export function carryOn(before: readonly Problem[], codes: readonly Code[], nowMs: number): readonly Problem[] {
  const since = new Map(before.map((problem) => [problem.code, problem.since]));
  return [...new Set(codes)]
    .sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))
    .slice(0, MAX_HOST_PROBLEMS)
    .map((code) => ({ code, since: since.get(code) ?? nowMs }));
}
