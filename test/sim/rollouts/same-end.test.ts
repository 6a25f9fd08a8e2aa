import test from 'ava';
import { letDie } from '../life.ts';
import { type Blow, endOf } from './same-end.ts';
import type { Kind } from './value.ts';

/** Of the places where it waits, it is struck at so many of each kind: `EVERY=1` for each of them. */
const EVERY = process.env.EVERY === undefined ? undefined : Number(process.env.EVERY);
const FEW = 2;

letDie();

const KINDS: Readonly<Record<string, Kind>> = { 'is done': 'plain', 'goes back': 'cuts' };
for (const [how, kind] of Object.entries(KINDS)) {
  test(`rollouts: one that ${how} comes to the same end wherever its controller dies or stops, with as many revisions`, async (t) => {
    t.timeout(7_200_000);
    const { waits, ...undisturbed } = await endOf(kind, { does: 'nothing' });
    t.is(undisturbed.state, kind === 'plain' ? 'DONE' : 'ROLLED_BACK');
    t.deepEqual(undisturbed.wrong, []);
    const blows: Blow[] = [];
    for (const at of places(waits.dies)) blows.push({ does: 'dies', afterWaits: at });
    for (const at of places(waits.stops))
      for (const other of [true, false]) blows.push({ does: 'stops', afterWaits: at, other });
    for (const blow of blows) {
      const { waits: _, ...end } = await endOf(kind, blow);
      t.deepEqual(end, undisturbed, JSON.stringify(blow));
    }
    if (EVERY !== undefined) t.log(`struck at ${blows.length} places of ${waits.dies} and ${waits.stops}`);
  });
}

function places(waits: number): readonly number[] {
  const every = EVERY ?? Math.ceil(waits / FEW);
  return Array.from({ length: Math.floor((waits - 1) / every) }, (_, at) => 1 + Math.floor(every / 2) + at * every);
}
