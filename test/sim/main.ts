/**
 * Plays random schedules on simulated fleets: `node test/sim/main.ts [--seeds N] [--from S] [--brief]`. Agents, two
 * controllers on one database and a bus, all real but for their ports, in one process and on one clock: everything is a
 * matter of the seed. The status is 1 when something that must hold did not; the shortest schedule that shows it is
 * printed, unless it is to be brief. `--mutants` plays them on sources with planted bugs, each until it is found.
 */
import { parseArgs } from 'node:util';
import { letDie } from './life.ts';
import { hunt, type Mutant, mutantNames } from './mutants.ts';
import { play } from './play.ts';
import { scheduleOf } from './schedule.ts';
import { shorten } from './shorten.ts';

const { values, positionals } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    brief: { type: 'boolean' },
    mutants: { type: 'boolean' },
  },
  allowPositionals: true,
});
const [count, from] = [Number(values.seeds), Number(values.from)];
letDie();
process.exitCode = (values.mutants ? huntAll() : await playAll()) ? 0 : 1;

/** Answers whether all held. */
async function playAll(): Promise<boolean> {
  let events = 0;
  const startedMs = performance.now();
  for (let seed = from; seed < from + count; seed += 1) {
    const played = await play(scheduleOf(seed), seed);
    events += played.events;
    if (played.wrong.length > 0) {
      await tell(seed, played.wrong);
      return false;
    }
    progress(`${seed - from + 1} of ${count}`);
  }
  progress('');
  const seconds = (performance.now() - startedMs) / 1000;
  process.stdout.write(`${count} seeds from ${from}: ${events} events, ${seconds.toFixed(1)} s\n`);
  return true;
}

async function tell(seed: number, wrong: readonly string[]): Promise<void> {
  progress('');
  process.stdout.write(`seed ${seed}: ${wrong.join('\n  ')}\n`);
  if (values.brief) return;
  const acts = await shorten(scheduleOf(seed), async (some) => (await play(some, seed)).wrong.length > 0);
  const { wrong: still } = await play(acts, seed);
  process.stdout.write(`the shortest schedule that was found, and what it shows:\n`);
  for (const act of acts) process.stdout.write(`  ${JSON.stringify(act)}\n`);
  process.stdout.write(`  ${still.join('\n  ')}\n`);
}

/** Answers whether every planted bug was found. */
function huntAll(): boolean {
  const names = positionals.length > 0 ? positionals : mutantNames();
  const mutants = names.map((name) => {
    progress(name);
    const mutant = hunt(name, count);
    progress('');
    process.stdout.write(`${line(mutant)}\n`);
    return mutant;
  });
  const found = mutants.filter(({ seeds }) => seeds !== undefined);
  process.stdout.write(`${found.length} of ${mutants.length} planted bugs found\n`);
  return found.length === mutants.length;
}

function line({ name, why, seeds, seen }: Mutant): string {
  const how = seeds === undefined ? 'NOT FOUND' : `${seeds} seeds`;
  return `${how.padStart(10)}  ${name.padEnd(24)} ${seeds === undefined ? why : seen.slice(0, 120)}`;
}

/** On a terminal: how far it is. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
