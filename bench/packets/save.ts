import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plot } from './plot.ts';
import { layOut, type Results } from './report.ts';

const FOLDER = join(import.meta.dirname, '..');
const README = join(FOLDER, 'README.md');
const PLACE = /(<!-- packets -->\n)[\s\S]*?(<!-- \/packets -->)/;

/** Keeps results beside the benchmarks: as JSON, as the table of the page, and as a plot. */
export function save(results: Results): void {
  writeFileSync(join(FOLDER, 'packets.json'), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(FOLDER, 'packets.svg'), plot(results));
  const text = `$1\n\`\`\`\n${layOut(results).replaceAll('$', '$$$$')}\n\`\`\`\n\n$2`;
  writeFileSync(README, readFileSync(README, 'utf8').replace(PLACE, text));
}
