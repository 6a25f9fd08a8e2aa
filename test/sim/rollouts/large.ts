/**
 * A rollout over many made-up hosts: `node test/sim/rollouts/large.ts [--hosts N] [--redirects N]`. One goes to its end and is
 * undone; another one is aborted when all hosts have it. Says what each took: by the clock of the fleet, and in time of this
 * machine's processor, without that of those who look whether all is as it must be.
 */
import { readArguments } from '../../support/arguments.ts';
import { letDie } from '../life.ts';
import { Fleet } from './fleet.ts';
import { isActive, type Rollout } from './look.ts';
import type { Wish } from './schedule.ts';
import { versionOf } from './value.ts';

const { values } = readArguments('large', {
  hosts: { takes: 'number', from: 2, to: 5000, default: 500 },
  redirects: { takes: 'number', from: 1, to: 200, default: 20 },
});
const TERMS = { soakMs: 30_000, noTrafficOk: true, acceptCollateral: true, again: true } as const;
const LOGS_EVERY = 25;
const WITHIN_MS = 1_800_000;

letDie();
const fleet = await Fleet.make(1);
const { judge, operator, world } = fleet;
judge.logsEvery = LOGS_EVERY;
let judgedMs = 0;
const judges = world.database.onCommit;
world.database.onCommit = () => {
  const fromMs = busyMs();
  judges();
  judgedMs += busyMs() - fromMs;
};
for (let number = 0; number < values.hosts; number += 1) fleet.host(number).start();
await took('all hosts are heard', async () => judge.look.hosts.size === values.hosts);
operator.apply(wishes());
await took('all have what is applied', async () => {
  return judge.look.specs.size === values.redirects && allHave(versionsOf(judge.look.specs.values()));
});
const before = versionsOf(judge.look.specs.values());

operator.start(wishes(), [], TERMS);
await took('a rollout is done', async () => newest()?.state === 'DONE');
tell(newest());
operator.undo(newest()?.id ?? '', false);
await took('it is undone in every log', async () => sorted(versionsOf(judge.look.specs.values())) === sorted(before));
await took('and in every kernel', async () => allHave(before));

operator.start(wishes(), [], TERMS);
await took('another one has reached all', async () => {
  const { hosts } = newest() ?? {};
  return hosts !== undefined && isUnderWay() && [...hosts.values()].every(({ state }) => state === 'published');
});
await fleet.pass(2_000);
operator.abort(newest()?.id ?? '');
await took('it went back in every log', async () => newest()?.state === 'ROLLED_BACK');
await took('and in every kernel', async () => allHave(before));
tell(newest());
judge.wrong.push(...judge.checkLogs());
await fleet.end();
for (const line of judge.wrong.slice(0, 10)) process.stdout.write(`wrong: ${line}\n`);
process.exitCode = judge.wrong.length === 0 ? 0 : 1;

/** As many redirects as were asked for, all of them other than before. */
function wishes(): readonly Wish[] {
  return Array.from({ length: values.redirects }, (_, at) => {
    return { name: `r${at}`, hosts: 'all', at, priority: 0, enabled: true, kind: 'plain' };
  });
}

/** Lets time pass until something is so, and says how long that took. */
async function took(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const [fromMs, startedMs] = [world.clock.monotonicMs(), busyMs() - judgedMs];
  while (!(await isSo())) {
    if (world.clock.monotonicMs() - fromMs > WITHIN_MS || judge.wrong.length > 0)
      throw new Error(
        `not so: ${what}; ${judge.wrong.slice(0, 3).join('; ')}; ${[...operator.answers.keys()].join(', ')}`,
      );
    await fleet.pass(10);
  }
  const seconds = ((world.clock.monotonicMs() - fromMs) / 1000).toFixed(2);
  const busy = ((busyMs() - judgedMs - startedMs) / 1000).toFixed(2);
  process.stdout.write(`${what.padEnd(32)} ${seconds.padStart(8)} s, of which here ${busy} s\n`);
}

function busyMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function tell(rollout: Rollout | undefined): void {
  const revs = [...(rollout?.hosts.values() ?? [])].filter(({ rev }) => rev > 0).length;
  process.stdout.write(
    `  ${rollout?.state}, ${revs} hosts; ${judge.commits} transactions, ${world.messages} messages\n`,
  );
}

function newest(): Rollout | undefined {
  return [...judge.look.rollouts.values()].findLast(({ of }) => of === undefined);
}

function isUnderWay(): boolean {
  const rollout = newest();
  return rollout !== undefined && isActive(rollout);
}

function versionsOf(texts: Iterable<string>): readonly number[] {
  return [...texts].map(versionOf);
}

function allHave(versions: readonly number[]): boolean {
  const wanted = sorted(versions);
  return [...fleet.hosts.values()].every(({ kernel }) => sorted(versionsOf(kernel.values())) === wanted);
}

function sorted(numbers: readonly number[]): string {
  return numbers.toSorted((a, b) => a - b).join();
}
