import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

const ROOT = join(import.meta.dirname, '../..');

/** Whatever tells the time, waits for it, or draws lots, by itself. */
const SOURCES =
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bhrtime\b|\b(?:setTimeout|setInterval|setImmediate)\b|\bnode:timers\b|\bAbortSignal\.timeout\b|\bAtomics\.wait\b|\bMath\.random\b|\brandom(?:UUID|Bytes|Int|FillSync)\b|\bgetRandomValues\b/;

/** The clock itself; the loader and the commands, which are gone after a moment and wait for nobody. */
const ALLOWED = [/^daemon\/clock\.ts$/, /^agent\/attach\//, /^cli\//];

function sourcesIn(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/^\s*(?:\/\*\*|\*|\/\/).*/, ''))
    .flatMap((line) => SOURCES.exec(line)?.[0] ?? []);
}

test('time: a source that is planted is found, and a comment is none', (t) => {
  for (const line of [
    "import { setTimeout } from 'node:timers/promises';",
    'const id = randomUUID();',
    'f(Date.now)',
  ]) {
    t.is(sourcesIn(line).length, 1, line);
  }
  t.deepEqual(sourcesIn(' * as Date.now() has it\n// setTimeout\nnew Date(at)\nclock.random()'), []);
});

test('time: agent and controller take time and chance from the clock that they are handed', (t) => {
  const files = globSync('{agent,bus,controller,daemon,protocol}/**/*.ts', { cwd: ROOT });
  const found = files
    .filter((file) => !ALLOWED.some((pattern) => pattern.test(file)))
    .flatMap((file) => sourcesIn(readFileSync(join(ROOT, file), 'utf8')).map((source) => `${file}: ${source}`));
  t.deepEqual(found, []);
});
