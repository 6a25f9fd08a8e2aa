import type { Verdict } from '../../agent/kernel/abi.ts';
import type { Bed } from './bed.ts';
import type { Row, Scene } from './scenes.ts';

/** The middle of what was measured, and the two between which half of it lies. */
export interface Spread {
  readonly median: number;
  readonly q1: number;
  readonly q3: number;
}

/** A row as it was measured: nanoseconds a run, and for each floor of its scene the ratio, round by round. */
export interface Measured {
  readonly name: string;
  readonly entries: number;
  readonly ns: Spread;
  readonly ratios: Readonly<Record<string, Spread>>;
}

/** Measures a scene in turns, so that what else the machine does falls on all alike; the first round is left out. */
export async function compare(bed: Bed, scene: Scene, rounds: number): Promise<readonly Measured[]> {
  const all = [...scene.floors, ...scene.rows];
  const times = new Map<Row, number[]>(all.map((row) => [row, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const row of all) {
      const ns = await proven(bed, row);
      if (round > 0) times.get(row)?.push(ns);
    }
  }
  const of = (row: Row): readonly number[] => times.get(row) ?? [];
  const beside = (row: Row, floor: Row): Spread => spread(of(row).map((ns, i) => ns / (of(floor)[i] ?? Number.NaN)));
  const ratiosOf = (row: Row) => Object.fromEntries(scene.floors.map((floor) => [floor.name, beside(row, floor)]));
  return all.map((row) => ({
    name: row.name,
    entries: row.entries,
    ns: spread(of(row)),
    ratios: scene.floors.includes(row) ? {} : ratiosOf(row),
  }));
}

async function proven(bed: Bed, { name, runs, answer, verdict }: Row): Promise<number> {
  const wanted = runs.reduce((sum, { repeat }) => sum + repeat, 0);
  const times = await counted(bed, name, verdict, wanted, () => bed.measure(runs, answer));
  return times.reduce((sum, ns) => sum + ns, 0) / times.length;
}

/** Errors: Error where the program did not count so many packets under this verdict, and none under another. */
export async function counted<T>(
  bed: Bed,
  name: string,
  verdict: Verdict | undefined,
  wanted: number,
  act: () => T,
): Promise<Awaited<T>> {
  const before = bed.kernel.counts.verdicts();
  const answer = await act();
  for (const [word, packets] of bed.kernel.counts.verdicts()) {
    const more = Number(packets - (before.get(word) ?? 0n));
    if (more !== (word === verdict ? wanted : 0)) throw new Error(`${name}: ${more} were counted as ${word}`);
  }
  return answer;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { median: at(0.5), q1: at(0.25), q3: at(0.75) };
}
