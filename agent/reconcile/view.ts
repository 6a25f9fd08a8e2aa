import type { Intent } from '../../protocol/intent.ts';
import type { HostProblem } from '../../protocol/status.ts';
import type { Confirming } from './confirming.ts';
import type { Convergence } from './convergence.ts';
import type { Taking } from './taking.ts';
import type { Watch } from './watch.ts';

/** The intent, the state and the observed entry of each key, as they are now and will be. */
export type View = ReturnType<typeof viewOf>;

interface ViewParts {
  readonly watch: Pick<Watch, 'sight'>;
  readonly taking: Pick<Taking, 'withheld'>;
  readonly confirming: Pick<Confirming, 'told' | 'confirmationOf'>;
}

/** `now`: what converges at the time; maps that take the place of others come with another one. */
export function viewOf(
  now: () => Convergence,
  { watch, taking, confirming }: ViewParts,
  mapProblems: () => readonly HostProblem[],
) {
  return {
    get desired() {
      return confirming.told.desired;
    },
    get states() {
      return confirming.told.states;
    },
    get mapProblems() {
      return mapProblems();
    },
    /** Whose hits each slot counts. */
    get holders() {
      const convergence = now();
      const { turns } = convergence.slots;
      return { turns, holderOf: (slot: number): Intent | undefined => convergence.holderOf(slot) };
    },
    withheldOf: (key: string) => taking.withheld.get(key),
    judgementOf: (intent: Intent) => now().judge.of(intent),
    entryOf: (key: string) => now().entryOf(key),
    confirmationOf: (key: string) => confirming.confirmationOf(key),
    silenceOf: (intent: Intent) => now().silence.of(intent, watch.sight),
  };
}
