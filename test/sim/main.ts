/**
 * Plays random schedules on simulated fleets: `node test/sim/main.ts [GAME] [--seeds N] [--from S] [--jobs N] [--brief]`. Agents, two
 * controllers on one database and a bus, all real but for their ports, in one process and on one clock: everything is a matter of
 * the seed. What is made up in other games than `fleets`, docs/simulation.md says. The status is 1 when something that must hold
 * did not; the shortest schedule that shows it is printed, unless it is to be brief. `--mutants [NAME...]` says how often each
 * rule and fault came up, and plays the schedules on sources with planted bugs, all or those named, each until it is found.
 */
import { availableParallelism } from 'node:os';
import { misuse, readArguments } from '../support/arguments.ts';
import { playSeeds, type Result } from './crew.ts';
import { GAMES, type GameName } from './game.ts';
import { letDie } from './life.ts';
import { hunt, type Mutant } from './mutants.ts';
import { Shares } from './shares.ts';

const MAX_SEED = 2 ** 31;

const { values, operands: given } = readArguments(
  'sim',
  {
    seeds: { takes: 'number', from: 1, to: MAX_SEED, default: 1000 },
    from: { takes: 'number', from: 0, to: MAX_SEED, default: 1 },
    brief: { takes: 'nothing' },
    mutants: { takes: 'nothing' },
    jobs: { takes: 'number', from: 1, to: 1024, default: availableParallelism() },
  },
  'operands',
);
const { seeds: count, from, jobs } = values;
const [first = ''] = given;
const game: GameName = isGame(first) ? first : 'fleets';
const operands = isGame(first) ? given.slice(1) : given;
const { bugs } = GAMES[game];
const stray = operands.find((name) => !values.mutants || !bugs.names.includes(name));
if (stray !== undefined) misuse('sim', `"${stray}" is not ${values.mutants ? 'a planted bug' : 'expected'}`);
letDie();
const held = await playAll();
process.exitCode = held && (!values.mutants || (await huntAll())) ? 0 : 1;

function isGame(name: string): name is GameName {
  return Object.hasOwn(GAMES, name);
}

/** Answers whether all held. */
async function playAll(): Promise<boolean> {
  const startedMs = performance.now();
  const shares = new Shares(GAMES[game].names);
  let [events, done] = [0, 0];
  const failed = await playSeeds({ game, from, count, jobs }, (result: Result) => {
    events += result.events;
    done += 1;
    shares.add(result.fired);
    progress(`${done} of ${count}`);
  });
  progress('');
  if (failed !== undefined) {
    await tell(failed);
    return false;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  process.stdout.write(`${count} seeds from ${from}: ${events} events, ${seconds.toFixed(1)} s\n`);
  return !values.mutants || tellShares(shares);
}

/** Answers whether every rule and every fault came up often enough. */
function tellShares(shares: Shares): boolean {
  process.stdout.write(`of the schedules had need of, or went through:\n${shares.lines.join('\n')}\n`);
  for (const name of shares.rare) process.stdout.write(`too seldom: ${name}\n`);
  return shares.rare.length === 0;
}

async function tell({ seed, wrong }: Result): Promise<void> {
  process.stdout.write(`seed ${seed}: ${wrong.join('\n  ')}\n`);
  if (values.brief) return;
  const { acts, wrong: still } = await GAMES[game].shortest(seed);
  process.stdout.write(`the shortest schedule that was found, and what it shows:\n`);
  for (const act of acts) process.stdout.write(`  ${JSON.stringify(act)}\n`);
  process.stdout.write(`  ${still.join('\n  ')}\n`);
}

/** Answers whether every planted bug was found. */
async function huntAll(): Promise<boolean> {
  const names = operands.length > 0 ? operands : bugs.names;
  let found = 0;
  await hunt({ game, names, from: () => from, seeds: count, jobs }, (mutant) => {
    if (mutant.seed !== undefined) found += 1;
    process.stdout.write(`${line(mutant)}\n`);
  });
  process.stdout.write(`${found} of ${names.length} planted bugs found\n`);
  return found === names.length;
}

function line({ name, why, seed, seen }: Mutant): string {
  const how = seed === undefined ? 'NOT FOUND' : `seed ${seed}`;
  return `${how.padStart(10)}  ${name.padEnd(24)} ${seed === undefined ? why : seen.slice(0, 120)}`;
}

/** On a terminal: how far it is. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
