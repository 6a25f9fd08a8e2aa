import { statSync, truncateSync } from 'node:fs';
import test from 'ava';
import { randomBelow } from '../conformance/sequences.ts';
import { Folder } from '../unit/controller/fleet.ts';
import { AgentStage } from './agent-stage.ts';
import { campaign } from './campaign.ts';
import { Tally } from './tally.ts';

/** `./dev faults` does many more. */
const RUNS = 80;
const CUTS = 60;

for (const killed of [false, true]) {
  const how = killed ? 'as it was killed' : 'at rest';

  test(`faults: random ones of an agent's store, ${how}, do nothing to its redirects, and it serves`, async (t) => {
    t.timeout(600_000);
    using folder = new Folder();
    const stage = await AgentStage.make(folder.path, killed);
    const tally = await campaign(stage, RUNS, randomBelow(5));
    t.false(tally.failed, `${tally}\n${tally.faults.join('\n')}`);
    t.is(tally.converged, RUNS, `${tally}`);
  });

  test(`faults: an agent's store ${how} may be cut anywhere`, async (t) => {
    t.timeout(600_000);
    using folder = new Folder();
    const stage = await AgentStage.make(folder.path, killed);
    const tally = new Tally();
    const refused: string[] = [];
    for (let cut = 0; cut < CUTS; cut += 1) {
      const outcome = await stage.run(([path = '']) =>
        truncateSync(path, Math.floor((statSync(path).size * cut) / CUTS)),
      );
      tally.add(outcome, cut);
      if (outcome.refused !== undefined) refused.push(`${cut} of ${CUTS}: ${outcome.refused}`);
    }
    t.deepEqual(refused, []);
    t.is(tally.converged, CUTS, `${tally}\n${tally.faults.join('\n')}`);
  });
}
