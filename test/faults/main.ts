/**
 * Damages the files of controller and agent, a single random fault at a time, and judges what stands on hosts:
 * `node test/faults/main.ts [--runs N] [--seed S] [--bits]`. With `--bits`, every bit of one row of specs and of changes
 * first. Nine of ten on the stores in this process, the others with whole processes.
 * The status is 1 when a redirect that stood was removed or changed, when a host ended neither converged nor held with a
 * code, or a program refused to start without saying what to do.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBelow } from '../conformance/sequences.ts';
import { readArguments } from '../support/arguments.ts';
import { lockMachine } from '../support/lock.ts';
import { AgentStage } from './agent-stage.ts';
import { campaign, type Damage, type Stage } from './campaign.ts';
import { ControllerStage, type Moment } from './controller-stage.ts';
import { ProductStage } from './product-stage.ts';
import { flipRow, TABLES } from './rows.ts';
import { Tally } from './tally.ts';

/** So many products side by side: each waits most of the time, for its agent's next sync. */
const LANES = 4;
const MOMENTS: readonly Moment[] = ['rest', 'killed', 'serving'];

const { values } = readArguments('faults', {
  runs: { takes: 'number', from: 1, to: 10_000_000, default: 2000 },
  seed: { takes: 'number', from: 0, to: 2 ** 31, default: 1 },
  bits: { takes: 'nothing' },
});
const { runs } = values;
const below = randomBelow(values.seed);
const folder = mkdtempSync(join(tmpdir(), 'shunt-faults-'));
const tallies: Tally[] = [];
try {
  const atRest = await ControllerStage.make(join(folder, 'a'), 'rest');
  const stages: readonly (readonly [title: string, stage: Stage])[] = [
    ["a controller's database at rest", atRest],
    ["a controller's database as it was killed", await ControllerStage.make(join(folder, 'b'), 'killed')],
    ["a controller's database while it serves", await ControllerStage.make(join(folder, 'c'), 'serving')],
    ["an agent's store at rest", await AgentStage.make(join(folder, 'd'), false)],
    ["an agent's store as it was killed", await AgentStage.make(join(folder, 'e'), true)],
  ];
  if (values.bits) {
    for (const table of TABLES) {
      const title = `every bit of a row of ${table}`;
      tell(title, await flipRow(atRest, table, 1, ({ runs: done }) => progress(`${title}: ${done}`)));
    }
  }
  const [inProcess, asProcesses] = [Math.round(runs * 0.9), runs - Math.round(runs * 0.9)];
  for (const [title, stage] of stages) await show(title, stage, Math.ceil(inProcess / stages.length));
  if (asProcesses > 0) await campaignOfProcesses(asProcesses);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = tallies.some(({ failed }) => failed) ? 1 : 0;

async function show(title: string, stage: Stage, count: number): Promise<void> {
  tell(title, await campaign(stage, count, below, ({ runs: done }) => progress(`${title}: ${done} of ${count}`)));
}

/** On a terminal: how far it is. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** Each program, in each of the moments. */
async function campaignOfProcesses(count: number): Promise<void> {
  await using _ = await lockMachine((line) => process.stderr.write(`${line}\n`));
  await using stack = new AsyncDisposableStack();
  const stages: ProductStage[] = [];
  for (let lane = 0; lane < LANES; lane += 1) stages.push(stack.use(await ProductStage.make()));
  const each = Math.ceil(count / 2 / LANES);
  for (const program of ['controller', 'agent'] as const) {
    const title = `the files of the process of ${program}`;
    const tally = new Tally();
    const lanes = stages.map((stage) => {
      const draw = randomBelow(below(2 ** 31));
      const run = (damage: Damage) => stage.run(program, MOMENTS[draw(MOMENTS.length)] ?? 'rest', damage);
      return campaign({ run }, each, draw, ({ runs: done }) => progress(`${title}: ${done} of ${each * LANES}`), tally);
    });
    await Promise.all(lanes);
    tell(title, tally);
  }
}

function tell(title: string, tally: Tally): void {
  tallies.push(tally);
  progress('');
  process.stdout.write(`${title}: ${tally}\n`);
  for (const line of tally.faults) process.stdout.write(`  ${line}\n`);
}
