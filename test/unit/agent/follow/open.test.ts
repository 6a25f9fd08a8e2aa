import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

const AGENT = join(import.meta.dirname, '../../../../agent');

test('open: what moves desired state is read by one file of the agent, and the bus reads nothing', (t) => {
  const files = globSync('**/*.ts', { cwd: AGENT });
  const reading = (word: RegExp, below: string): string[] =>
    files.filter((file) => file.startsWith(below) && word.test(readFileSync(join(AGENT, file), 'utf8')));
  t.deepEqual(reading(/\bparse(Update|PageReply)\b/, ''), ['follow/open.ts']);
  t.deepEqual(reading(/\bparse[A-Z]\w*\(/, 'bus/'), []);
});
