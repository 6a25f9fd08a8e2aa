import { readFileSync } from 'node:fs';
import { type ControllerStage, drop } from './controller-stage.ts';
import { flipBit } from './inject.ts';
import { Tally } from './tally.ts';

/** A row of each table by what it begins with; the last one in the file is the live one. */
const ROWS = {
  specs: /r13v4 udp 0\.0\.0\.0\/0:\* > 10\.0\.0\.13\/32:443"all"/g,
  changes: /edge-1v4 udp 0\.0\.0\.0\/0:\* > 10\.0\.0\.13\/32:443[\s\S]{1,3}putr13\{/g,
};
export const TABLES = ['specs', 'changes'] as const;

/** Its header, and all of its columns. */
const BEFORE_BYTES = 14;
const ROW_BYTES = 480;

/** Flips the bits of one row of a table at rest, one after the other, or every `step`th. */
export async function flipRow(
  stage: ControllerStage,
  table: (typeof TABLES)[number],
  step: number,
  onRun: (tally: Tally) => void = () => {},
): Promise<Tally> {
  const path = stage.copy();
  const text = readFileSync(path).toString('latin1');
  drop(path);
  const at = [...text.matchAll(ROWS[table])].at(-1)?.index;
  if (at === undefined) throw new Error(`no row of ${table} is found in the file`);
  const tally = new Tally();
  for (let bit = 0; bit < ROW_BYTES * 8; bit += step) {
    const byte = at - BEFORE_BYTES + (bit >> 3);
    tally.add(await stage.run(([it = '']) => flipBit(it, byte, bit & 7)), { byte: byte - at, bit: bit & 7 });
    onRun(tally);
  }
  return tally;
}
