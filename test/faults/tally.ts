import type { Outcome } from './controller-stage.ts';

/** What is kept of the faults that went wrong, for whoever looks into it. */
const KEPT = 20;

/** What many faults came to. */
export class Tally {
  runs = 0;
  /** Every host ended converged, on a controller and agents that serve. */
  converged = 0;
  /** A host is held, with a code whose page says how to leave. */
  held = 0;
  /** A program does not start, and says what to do. */
  refused = 0;
  /** Redirects that stood were removed or changed. */
  wronged = 0;
  /** A host is neither converged nor held with a code. */
  lost = 0;
  /** A program does not start, and does not say what to do. */
  mute = 0;
  /** What operators are told ended it: redirects were applied again, and something is still not right. */
  stuck = 0;
  readonly byCode = new Map<string, number>();
  readonly faults: string[] = [];

  get failed(): boolean {
    return this.wronged + this.lost + this.mute + this.stuck > 0;
  }

  add(outcome: Outcome, fault: unknown): void {
    this.runs += 1;
    const { wronged, held, lost, refused, mute, stuck } = outcome;
    if (wronged.length > 0) this.wronged += 1;
    if (lost.length > 0) this.lost += 1;
    if (mute) this.mute += 1;
    if (stuck) this.stuck += 1;
    if (refused !== undefined) this.refused += 1;
    else if (held.length > 0) this.#hold(held);
    else if (lost.length === 0) this.converged += 1;
    if ((wronged.length > 0 || lost.length > 0 || mute || stuck) && this.faults.length < KEPT)
      this.faults.push(JSON.stringify({ fault, outcome }));
  }

  /** By the code of each host, which stands behind its name. */
  #hold(held: Outcome['held']): void {
    this.held += 1;
    for (const code of new Set(held.map((one) => one.split(' ')[1] ?? '')))
      this.byCode.set(code, (this.byCode.get(code) ?? 0) + 1);
  }

  toString(): string {
    const codes = [...this.byCode].map(([code, count]) => `${code} ${count}`).join(', ');
    const { runs, converged, held, refused, wronged, lost, mute, stuck } = this;
    return (
      `${runs} faults: ${converged} converged, ${held} held${codes && ` (${codes})`}, ${refused} refused with a sentence; ` +
      `redirects removed or changed ${wronged}, hosts lost ${lost}, refused without a sentence ${mute}, no way out ${stuck}`
    );
  }
}
