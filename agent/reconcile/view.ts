import type { Intent } from '../../protocol/intent.ts';
import type { HostProblem } from '../../protocol/status.ts';
import type { Admission } from './admission.ts';
import type { Watch } from './watch.ts';

/** The intent, the state and the observed entry of each key, as they are now and will be. */
export type View = ReturnType<typeof viewOf>;

interface ViewParts {
  readonly watch: Pick<Watch, 'sight'>;
  readonly admission: Pick<Admission, 'converging' | 'confirming' | 'withheld'>;
  readonly mapProblems: () => readonly HostProblem[];
}

export function viewOf({ watch, admission, mapProblems }: ViewParts) {
  const { converging, confirming } = admission;
  return {
    get desired() {
      return confirming.told.desired;
    },
    get states() {
      return confirming.told.states;
    },
    /** What is told of entries is of other maps than are open. */
    get renewing() {
      return converging.renewing;
    },
    get mapProblems() {
      return mapProblems();
    },
    /** Whose hits each slot counts. */
    get holders() {
      const convergence = converging.now;
      const { turns } = convergence.slots;
      return { turns, holderOf: (slot: number): Intent | undefined => convergence.holderOf(slot) };
    },
    withheldOf: (key: string) => admission.withheld.get(key),
    judgementOf: (intent: Intent) => converging.now.judge.of(intent),
    entryOf: (key: string) => converging.now.entryOf(key),
    confirmationOf: (key: string) => confirming.confirmationOf(key),
    silenceOf: (intent: Intent) => converging.now.silence.of(intent, watch.sight),
  };
}
