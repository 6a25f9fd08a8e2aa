import { readFileSync } from 'node:fs';
import test from 'ava';
import { randomBelow } from '../conformance/sequences.ts';
import { Folder } from '../unit/controller/fleet.ts';
import { ControllerStage, drop, type Outcome } from './controller-stage.ts';
import { flipBit, inject, someFault } from './inject.ts';

const RUNS = Number(process.env.FAULTS_RUNS ?? 200);
const SEED = Number(process.env.FAULTS_SEED ?? 1);

const ROWS = {
  specs: /r13v4 udp 0\.0\.0\.0\/0:\* > 10\.0\.0\.13\/32:443"all"/g,
  changes: /edge-1v4 udp 0\.0\.0\.0\/0:\* > 10\.0\.0\.13\/32:443[\s\S]{1,3}putr13\{/g,
};

class Tally {
  wronged = 0;
  held = 0;
  lost = 0;
  refused = 0;
  mute = 0;
  readonly worst: string[] = [];
  add(outcome: Outcome, what: unknown): void {
    if (outcome.wronged.length > 0) this.wronged += 1;
    if (outcome.held.length > 0) this.held += 1;
    if (outcome.lost.length > 0) this.lost += 1;
    if (outcome.refused !== undefined) this.refused += 1;
    if (outcome.mute) this.mute += 1;
    if (outcome.wronged.length + outcome.lost.length + outcome.held.length > 0 || outcome.mute)
      this.worst.push(JSON.stringify([what, outcome]).slice(0, 400));
  }
}

for (const part of ['specs', 'changes'] as const) {
  test(`faults: every bit of a row of ${part}, flipped one after the other`, async (t) => {
    t.timeout(600_000);
    using folder = new Folder();
    const stage = await ControllerStage.make(folder.path, false);
    const path = stage.copy();
    const data = readFileSync(path);
    drop(path);
    const tally = new Tally();
    const at = [...data.toString('latin1').matchAll(ROWS[part])].at(-1)?.index ?? 0;
    t.true(at > 0);
    const step = Number(process.env.FAULTS_STEP ?? 7);
    for (let bit = 0; bit < 480 * 8; bit += step) {
      const byte = at - 14 + (bit >> 3);
      tally.add(await stage.run((it) => flipBit(it, byte, bit & 7)), { byte: byte - at, bit: bit & 7 });
    }
    t.log({ ...tally, worst: tally.worst.slice(0, 5) });
    t.is(tally.wronged, 0);
    t.is(tally.lost, 0);
  });
}

test('faults: random single faults', async (t) => {
  t.timeout(600_000);
  using folder = new Folder();
  const below = randomBelow(SEED);
  const tally = new Tally();
  for (const killed of [false, true]) {
    const stage = await ControllerStage.make(folder.file(`killed-${killed}`), killed);
    for (let run = 0; run < RUNS / 2; run += 1) {
      let what: unknown;
      const outcome = await stage.run((path) => {
        const fault = someFault(below, [path, `${path}-wal`]);
        what = { ...fault, path: fault.path.slice(-4) };
        inject(fault);
      });
      tally.add(outcome, what);
    }
  }
  t.log({ ...tally, worst: tally.worst.slice(0, 8) });
  t.is(tally.wronged, 0);
  t.is(tally.lost, 0);
});
