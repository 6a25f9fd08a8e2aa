import type { Outcome } from './controller-stage.ts';
import { type Fault, inject, someFault } from './inject.ts';
import { Tally } from './tally.ts';

/** Is handed the files of a program, of which not each need be there. */
export type Damage = (paths: readonly string[]) => void;

/** Where a fault is tried. */
export interface Stage {
  run(damage: Damage): Promise<Outcome>;
}

/** Many random faults, one after the other; `below` draws them. They may be added to those of another stage. */
export async function campaign(
  stage: Stage,
  count: number,
  below: (n: number) => number,
  onRun: (tally: Tally) => void = () => {},
  tally = new Tally(),
): Promise<Tally> {
  for (let run = 0; run < count; run += 1) {
    let fault: Fault | undefined;
    const outcome = await stage.run((paths) => {
      fault = someFault(below, paths);
      inject(fault);
    });
    tally.add(outcome, fault);
    onRun(tally);
  }
  return tally;
}
