import { Bypass } from '../../agent/attach/bypass.ts';
import type { Verdict } from '../../agent/kernel/abi.ts';
import { entryId } from '../../agent/model/entry-key.ts';
import type { Op } from '../../agent/model/op.ts';
import { countText } from '../../cli/show/format.ts';
import { parseMatch } from '../../protocol/match.ts';
import { compareShapes, shapeOf } from '../../protocol/shape.ts';
import { type Answer, BASE, type Bed, type Run, targetOf } from './bed.ts';

/** What a row asks, and what is to be answered. */
export interface Row {
  readonly name: string;
  readonly entries: number;
  readonly runs: readonly Run[];
  readonly answer: Answer;
  /** Counted by the program once a run; undefined of a floor. */
  readonly verdict?: Verdict;
}

/** Rows that are measured in turns, the floors first. */
export interface Scene {
  readonly floors: readonly Row[];
  readonly rows: readonly Row[];
  readonly prepare: (bed: Bed) => void;
}

/** Destinations that no entry has. */
const MISS = 0x0b00_0000;
const SHAPE_COUNTS = [1, 2, 4, 8] as const;
/** Where there are many entries, so often that each is met several times while its row is believed. */
const repeatOf = (entries: number): number => Math.max(200_000, 20 * entries);

/** Each shape is more specific than the one that the entries have, so that they are asked last. */
const OTHERS = [
  { proto: 'udp' },
  { proto: 'udp', dport: 9 },
  { proto: 'udp', sport: 9 },
  { proto: 'udp', sport: 9, dport: 9 },
  { src: '192.0.2.9' },
  { src: '192.0.2.0/24' },
  { src: '192.0.2.9', proto: 'udp' },
] as const;

/** Everything that is asked of programs whose maps have so many entries. */
export function scenesOf(entries: number): readonly Scene[] {
  const few = entries === 1;
  return [
    ...shapeScenes(entries),
    outScene(entries),
    v6Scene(entries),
    ...(few ? [dropScene(), bypassScene(), pairScene()] : []),
  ];
}

function row(name: string, entries: number, run: Partial<Run>, says: Pick<Row, 'answer' | 'verdict'>): Row {
  const whole: Run = { subject: 'shunt', family: 4, base: BASE, addresses: entries, repeat: repeatOf(entries), ...run };
  return { name, entries, runs: [whole], ...says };
}

const floor1 = (entries: number): Row => row('floor1', entries, { subject: 'floor1' }, { answer: 'TX' });

function shapeScenes(entries: number): readonly Scene[] {
  return SHAPE_COUNTS.map((count) => ({
    floors: [floor1(entries)],
    rows: [
      row(`hit, ${countText(count, 'shape')}`, entries, {}, { answer: 'TX', verdict: 'SENT_BACK' }),
      row(`miss, ${countText(count, 'shape')}`, entries, { base: MISS }, { answer: 'PASS', verdict: 'NO_MATCH' }),
    ],
    prepare: (bed) => {
      if (count === 1) fill(bed, entries, 'back');
      publish(bed, count);
    },
  }));
}

function outScene(entries: number): Scene {
  return {
    floors: [floor1(entries), row('fib', entries, { subject: 'fib' }, { answer: 'REDIRECT' })],
    rows: [row('hit, out of another port', entries, {}, { answer: 'REDIRECT', verdict: 'SENT' })],
    prepare: (bed) => {
      publish(bed, 1);
      fill(bed, entries, 'out');
    },
  };
}

function v6Scene(entries: number): Scene {
  const v6 = { family: 6 } as const;
  return {
    floors: [row('floor1, IPv6', entries, { ...v6, subject: 'floor1_v6' }, { answer: 'TX' })],
    rows: [
      row('hit, IPv6', entries, v6, { answer: 'TX', verdict: 'SENT_BACK' }),
      row('miss, IPv6', entries, { ...v6, base: MISS }, { answer: 'PASS', verdict: 'NO_MATCH' }),
    ],
    prepare: (bed) => fill(bed, entries, 'back', 6),
  };
}

function dropScene(): Scene {
  return {
    floors: [floor1(1)],
    rows: [row('hit, drop', 1, {}, { answer: 'DROP', verdict: 'DROPPED' })],
    prepare: (bed) => fill(bed, 1, 'drop'),
  };
}

function bypassScene(): Scene {
  return {
    floors: [floor1(1)],
    rows: [row('bypass', 1, {}, { answer: 'PASS', verdict: 'BYPASS' })],
    prepare: (bed) => setBypass(bed, true),
  };
}

/** Two CPUs whose packets meet one redirect, against one. */
function pairScene(): Scene {
  const one = row('hit, one CPU', 1, {}, { answer: 'TX', verdict: 'SENT_BACK' });
  return {
    floors: [one],
    rows: [{ ...one, name: 'hit, two CPUs on one redirect', runs: [...one.runs, ...one.runs] }],
    prepare: (bed) => {
      setBypass(bed, false);
      fill(bed, 1, 'back');
    },
  };
}

function setBypass(bed: Bed, on: boolean): void {
  using word = new Bypass(bed.native, bed.pinRoot);
  word.set(on);
}

type How = 'back' | 'out' | 'live' | 'drop';

/** One entry that sends frames out of the other port, as often as the kernel hands the same one on. */
export function fillLive(bed: Bed): void {
  publish(bed, 1);
  fill(bed, 1, 'live');
}

/** Writes the entries of a family, all with one thing to do. */
function fill(bed: Bed, entries: number, how: How, family: 4 | 6 = 4): void {
  const ifindex = how === 'out' || how === 'live' ? bed.egress : bed.ingress;
  const ops: Op[] = [{ op: 'port', ifindex: bed.egress, present: true }];
  for (let n = 0; n < entries; n += 1) ops.push(write(family, n, ifindex, how));
  carryOut(bed, ops);
  if (family === 6)
    carryOut(bed, [{ op: 'shapes', family, shapes: [shapeOf(parseMatch({ dst: targetOf(6, BASE) }))] }]);
  bed.settle();
}

function write(family: 4 | 6, n: number, ifindex: number, how: How): Op {
  const key = { match: parseMatch({ dst: targetOf(family, BASE + n) }), zone: 0 };
  const value = {
    rev: 1,
    until: 0n,
    slot: n,
    ifindex,
    action: how === 'drop' ? 'drop' : 'send',
    keepTtl: how === 'live',
    mtu: 1500,
    dmac: '02:00:00:00:00:01',
    smac: '02:00:00:00:00:02',
  } as const;
  return { op: 'write', id: entryId(key), key, value };
}

/** Makes so many IPv4 shapes live: that of the entries, and before it others that no packet here has. */
function publish(bed: Bed, count: number): void {
  const dst = targetOf(4, BASE);
  const shapes = [{}, ...OTHERS].slice(0, count).map((fields) => shapeOf(parseMatch({ dst, ...fields })));
  carryOut(bed, [{ op: 'shapes', family: 4, shapes: shapes.sort(compareShapes) }]);
}

function carryOut(bed: Bed, ops: readonly Op[]): void {
  const failed = bed.kernel.entries.apply(ops).find((result) => !result.done);
  if (failed !== undefined) throw new Error(`an entry could not be written: ${JSON.stringify(failed)}`);
}
