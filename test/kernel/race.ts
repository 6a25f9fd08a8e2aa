/**
 * Gives up redirects while packets meet them: `node test/kernel/race.ts [--deletes N]`, of a thousand at once, in namespaces of
 * its own; see idle-race.scenario.ts. The status is 1 when one that a packet met does not stand again after one put, or one
 * that none met is still there.
 */
import { readArguments } from '../support/arguments.ts';
import { runInNamespace } from '../support/netns.ts';

/** Of one start of the scenario. */
const PART = 50_000;

const { deletes } = readArguments('race', {
  deletes: { takes: 'number', from: 1, to: 1_000_000_000, default: 1_000_000 },
}).values;
const scenario = new URL('idle-race.scenario.ts', import.meta.url);
const sums = new Map<string, number>();
for (let done = 0; done < deletes; done = sums.get('deletes') ?? deletes) {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${deletes}`);
  const observed = await runInNamespace(scenario, `${Math.min(PART, deletes - done)}`);
  for (const [name, count] of Object.entries(observed as object)) sums.set(name, (sums.get(name) ?? 0) + Number(count));
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
for (const [name, count] of sums) console.log(name.padEnd(10), `${count}`.padStart(9));
process.exitCode = sums.get('wrong') === 0 && sums.get('manyPuts') === 0 ? 0 : 1;
