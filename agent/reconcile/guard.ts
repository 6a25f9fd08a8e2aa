import { type Judgement, MAX_PROTECTED, makeJudge, subjectOf, toCompare } from '../../protocol/guard.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { Match } from '../../protocol/match.ts';
import type { Guarded, GuardSource } from '../model/guard.ts';

const OPEN: Guarded = Object.freeze({ guard: { protect: [] } });

/** The guard of the host as plans ask it; without a source everything is allowed. */
export class HostJudge {
  readonly #source: GuardSource | undefined;
  #guarded: Guarded;
  #judge: ReturnType<typeof makeJudge>;
  #protect: readonly Match[];

  constructor(source?: GuardSource) {
    this.#source = source;
    this.#guarded = source?.now ?? OPEN;
    this.#judge = makeJudge(this.#guarded.guard);
    this.#protect = toProtect(this.#guarded);
  }

  /** What the host says of itself; undefined where nobody asks it. */
  get told(): Guarded | undefined {
    return this.#source && this.#guarded;
  }

  get maxRedirects(): number {
    return this.#guarded.guard.maxRedirects ?? Number.POSITIVE_INFINITY;
  }

  /** Whose packets guarded entries shall let pass. */
  get protect(): readonly Match[] {
    return this.#protect;
  }

  of({ match, to }: Pick<Intent, 'match' | 'to'>): Judgement {
    return this.#judge(subjectOf(match, to));
  }

  /** Looks at the guard again, and says whether it is another one. */
  look(): boolean {
    this.#source?.look();
    const now = this.#source?.now ?? OPEN;
    if (now === this.#guarded) return false;
    this.#guarded = now;
    this.#judge = makeJudge(now.guard);
    this.#protect = toProtect(now);
    return true;
  }
}

function toProtect({ guard }: Guarded): readonly Match[] {
  return toCompare(guard.protect, MAX_PROTECTED).map(({ match }) => match);
}
