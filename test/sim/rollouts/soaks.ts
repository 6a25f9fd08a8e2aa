import type { Look, Rollout } from './look.ts';

/** Controllers look twice a second: by so much at most their idea of the time is off. */
const SLACK_MS = 2_500;

interface Soak {
  readonly wave: number;
  /** What of the time in which somebody worked it was begun at, less what it had by then. */
  readonly fromMs: number;
}

/** A wave is soaked for as long as was asked, and only time counts in which somebody worked on it. */
export class Soaks {
  readonly #awakeMs: () => number;
  readonly #soaks = new Map<string, Soak>();
  /** Soaked before a pause. */
  readonly #kept = new Map<string, Soak>();
  /** Somebody let something by: what he saw is his to judge. */
  readonly skipped = new Set<string>();

  constructor(awakeMs: () => number) {
    this.#awakeMs = awakeMs;
  }

  committed(before: Look, now: Look): readonly string[] {
    const nowMs = this.#awakeMs();
    const wrong: string[] = [];
    for (const is of now.rollouts.values()) {
      const was = before.rollouts.get(is.id);
      if (isSoaking(is) && !(was && isSoaking(was))) this.#begin(is, nowMs);
      if (was && isSoaking(was) && !(isSoaking(is) && is.wave === was.wave)) wrong.push(...this.#ends(was, is, nowMs));
    }
    return wrong;
  }

  #begin({ id, wave }: Rollout, nowMs: number): void {
    const kept = this.#kept.get(id);
    const soakedMs = kept?.wave === wave ? kept.fromMs : 0;
    this.#soaks.set(id, { wave, fromMs: nowMs - soakedMs });
  }

  #ends(was: Rollout, is: Rollout, nowMs: number): readonly string[] {
    if (isEmptied(was, is)) {
      this.#kept.delete(was.id);
      return [];
    }
    const soakedMs = nowMs - (this.#soaks.get(was.id)?.fromMs ?? nowMs);
    this.#kept.set(was.id, { wave: was.wave, fromMs: soakedMs });
    const { soakMs, now } = was.plan;
    const goesOn = is.state === 'RUNNING' && !isSoaking(is);
    if (!goesOn || now || this.skipped.has(was.id) || soakedMs + SLACK_MS >= soakMs) return [];
    return [`rollout ${was.id} goes on from wave ${was.wave} after ${soakedMs} ms, and was to soak for ${soakMs}`];
  }
}

/** Nobody who has it is left of a wave: others have their turn in it, and soak from the beginning. */
function isEmptied({ wave }: Rollout, is: Rollout): boolean {
  const isRefilled = is.state === 'RUNNING' && is.step === 'PUBLISH' && is.wave === wave;
  return isRefilled && ![...is.hosts.values()].some((host) => host.state === 'published' && host.wave === wave);
}

function isSoaking({ state, step }: Rollout): boolean {
  return state === 'RUNNING' && step === 'SOAK';
}
