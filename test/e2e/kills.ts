/**
 * Kills an agent with SIGKILL while it gives up what has fallen silent, once at each system call of its main thread:
 * `node test/e2e/kills.ts [--every N] [--lanes N]`, as root; see sweep-stage.ts. The status is 1 when an entry came back, one
 * that was not silent went or missed a packet, or the store and the kernel do not agree in the end.
 */
import { table } from '../../cli/show/table.ts';
import { readArguments } from '../support/arguments.ts';
import { lockMachine } from '../support/lock.ts';
import type { Syscall } from '../support/strace.ts';
import { type Killed, MOMENTS, SweepStage } from './sweep-stage.ts';

/** After so many kills others have their turn on the machine. */
const PART = 90;

/** By these an agent changes what is there after it, or is seen; `bpf` reads too. */
const WRITES: ReadonlySet<string> = new Set(['bpf', 'fcntl', 'fsync', 'membarrier', 'pwrite64', 'write']);

/** What became of the traffic of one stage. */
type Traffic = Awaited<ReturnType<SweepStage['end']>>;

const { every, lanes } = readArguments('kills', {
  every: { takes: 'number', from: 1, to: 1_000, default: 1 },
  lanes: { takes: 'number', from: 1, to: 16, default: 3 },
}).values;
const say = (line: string): unknown => process.stderr.write(`${line}\n`);
const killed: Killed[] = [];
const traffic: Traffic[] = [];
let calls: readonly Syscall[] = [];
let killAt: readonly Syscall[] = [];
for (let from = 0; from === 0 || from < killAt.length; from += PART) await killFrom(from);
tell();

/** Kills at a part of the system calls, on so many stages side by side: each waits most of the time. */
async function killFrom(from: number): Promise<void> {
  await using _ = await lockMachine(say);
  await using stack = new AsyncDisposableStack();
  const stages = await Promise.all(Array.from({ length: lanes }, async () => stack.use(await SweepStage.make())));
  if (from === 0) choose((await stages[0]?.record()) ?? []);
  const points = killAt.slice(from, from + PART).values();
  await Promise.all(stages.map((stage) => killAll(stage, points)));
}

/** A call that changes nothing leaves what the one before it left. */
function choose(all: readonly Syscall[]): void {
  calls = all;
  const firstWrite = all.findIndex(({ name }) => name === 'pwrite64');
  killAt = all.filter(({ name }, at) => at % every === 0 || (at >= firstWrite && WRITES.has(name)));
}

/** Each stage takes the next point that no other has. */
async function killAll(stage: SweepStage, points: Iterable<Syscall>): Promise<void> {
  for (const at of points) {
    const one = await stage.kill(at);
    killed.push(one);
    if (isWrong(one)) say(`${at.name} ${at.nth}: ${JSON.stringify(one)}`);
    if (killed.length % 10 === 0) say(`${killed.length} of ${killAt.length}`);
  }
  traffic.push(await stage.end());
}

function isWrong({ ghosts, lost, disagree }: Killed): boolean {
  return ghosts.length + lost.length + disagree.length > 0;
}

function tell(): void {
  const titles = ['kills', 'ghosts', 'lost', 'disagree'].map((title) => ({ title, align: 'right' as const }));
  const rows = MOMENTS.map((moment) => rowOf(moment, (one) => one.reached && one.moment === moment));
  rows.push(rowOf('after the sweep', ({ reached }) => !reached));
  console.log(table([{ title: 'the agent died' }, ...titles], rows, { width: undefined, colour: false }));
  const [sent, answered] = [sum(traffic.map((one) => one.sent)), sum(traffic.map((one) => one.answered))];
  console.log(`${calls.length} system calls; packets to what was not silent: ${sent}, answered: ${answered}`);
  if (killed.some(isWrong) || sent !== answered) process.exitCode = 1;
}

function rowOf(title: string, fits: (one: Killed) => boolean): string[] {
  const those = killed.filter(fits);
  const counts = (['ghosts', 'lost', 'disagree'] as const).map((what) => sum(those.map((one) => one[what].length)));
  return [title, `${those.length}`, ...counts.map(String)];
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, one) => all + one, 0);
}
