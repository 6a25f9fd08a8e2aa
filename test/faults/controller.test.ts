import test from 'ava';
import { randomBelow } from '../conformance/sequences.ts';
import { Folder } from '../unit/controller/fleet.ts';
import { campaign } from './campaign.ts';
import { ControllerStage, type Moment } from './controller-stage.ts';
import { flipRow, TABLES } from './rows.ts';

/** `./dev faults` does many more, and every bit. */
const RUNS = 40;
const EVERY = 61;

for (const table of TABLES) {
  test(`faults: bits of a row of ${table} do nothing to hosts`, async (t) => {
    t.timeout(600_000);
    using folder = new Folder();
    const tally = await flipRow(await ControllerStage.make(folder.path, 'rest'), table, EVERY);
    t.false(tally.failed, `${tally}\n${tally.faults.join('\n')}`);
    t.true(tally.converged > tally.runs / 2, `${tally}`);
  });
}

for (const moment of ['rest', 'killed', 'serving'] satisfies readonly Moment[]) {
  test(`faults: random ones of the controller's files, ${moment}, do nothing to hosts`, async (t) => {
    t.timeout(600_000);
    using folder = new Folder();
    const stage = await ControllerStage.make(folder.path, moment);
    const tally = await campaign(stage, RUNS, randomBelow(7));
    t.false(tally.failed, `${tally}\n${tally.faults.join('\n')}`);
    t.true(tally.converged > tally.runs / 4, `${tally}`);
  });
}
