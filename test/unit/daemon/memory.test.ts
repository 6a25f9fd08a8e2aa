import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';

const MEMORY = join(import.meta.dirname, '../../../daemon/memory.ts');

/** Keeps 30 MB and makes 400 MB of garbage; says what V8 took of the system meanwhile, in bytes. */
const CHURN = `
const { getHeapSpaceStatistics, getHeapStatistics } = await import('node:v8');
const kept = [];
let nursery = 0, heap = 0;
for (let i = 0; i < 4_000_000; i += 1) {
  const made = { at: i, text: String(i), list: [i] };
  if (i % 20 === 0) kept.push(made);
  if (i % 1000 === 0) {
    nursery = Math.max(nursery, getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size);
    heap = Math.max(heap, getHeapStatistics().total_heap_size);
  }
}
console.log(JSON.stringify({ nursery, heap, kept: kept.length }));`;

function churn(first: string): { readonly nursery: number; readonly heap: number; readonly kept: number } {
  const argv = ['--input-type=module', '--eval', `${first}${CHURN}`];
  return JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
}

test('memory: the heap of an agent stays small under bulk work, and V8 knows the flags that do it', (t) => {
  const small = churn(`(await import(${JSON.stringify(MEMORY)})).keepHeapSmall();`);
  const usual = churn('');
  t.is(small.kept, usual.kept);
  t.true(small.nursery <= usual.nursery / 4, `${small.nursery} of ${usual.nursery}`);
  t.true(small.heap <= usual.heap / 2, `${small.heap} of ${usual.heap}`);
});
