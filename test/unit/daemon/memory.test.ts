import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';

const MEMORY = join(import.meta.dirname, '../../../daemon/memory.ts');

/** Keeps 10 MB and drops 60; says what V8 has of the system before that is given back, and once it has less than half of it. */
const GIVE_BACK = `
const { getHeapStatistics } = await import('node:v8');
const heap = (await import(${JSON.stringify(MEMORY)})).keepHeapSmall();
const size = () => getHeapStatistics().total_heap_size;
heap.grow();
let made = Array.from({ length: 400_000 }, (_, at) => ({ at, text: String(at), list: [at] }));
made = made.filter(({ at }) => at % 8 === 0);
const before = size();
heap.giveBack();
let turns = 0;
const until = performance.now() + 60_000;
while (size() > before / 2 && performance.now() < until) {
  await new Promise((resolve) => setTimeout(resolve, 5));
  turns += 1;
}
console.log(JSON.stringify({ before, after: size(), turns, kept: made.length }));`;

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

function run<Names extends string>(program: string): Readonly<Record<Names, number>> {
  const argv = ['--input-type=module', '--eval', program];
  return JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
}

const churn = (first: string) => run<'nursery' | 'heap' | 'kept'>(`${first}${CHURN}`);

test('memory: the heap of an agent stays small under bulk work, and V8 knows the flags that do it', (t) => {
  const small = churn(`(await import(${JSON.stringify(MEMORY)})).keepHeapSmall();`);
  const usual = churn('');
  t.is(small.kept, usual.kept);
  t.true(small.nursery <= usual.nursery / 4, `${small.nursery} of ${usual.nursery}`);
  t.true(small.heap <= usual.heap / 2, `${small.heap} of ${usual.heap}`);
});

test('memory: what bulk work leaves behind goes back to the system, and others have their turn meanwhile', (t) => {
  const { before, after, turns, kept } = run<'before' | 'after' | 'turns' | 'kept'>(GIVE_BACK);
  t.is(kept, 50_000);
  t.true(after <= before / 2, `${after} of ${before}`);
  t.true(turns > 0);
});
