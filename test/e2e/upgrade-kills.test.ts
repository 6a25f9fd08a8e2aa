import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { STANDING } from '../../agent/kernel/pins.ts';
import { must, run } from '../support/process.ts';
import { Redirected } from '../support/redirected.ts';
import { shuntCommand, Testbed } from '../support/testbed.ts';

/** Of the system calls of an upgrade that may change something, it is killed at one in so many: `EVERY=1` for each. */
const EVERY = Number(process.env.EVERY ?? 190);
/** The first of them. */
const FROM = Number(process.env.FROM ?? Math.floor(EVERY / 2));
const CALLS = 'bpf,rename,renameat2,unlink,unlinkat,chown,fchownat,chmod,fchmodat,mkdir,rmdir,utimensat';
const RATE = 1_000;
const SIZES = [64, 128] as const;

interface Device {
  readonly xdp?: { readonly prog?: { readonly id?: number } };
}

/** The programs on B's interfaces, as iproute2 says. */
async function programs(bed: Testbed): Promise<readonly number[]> {
  const devices = JSON.parse(await bed.must('b', ['ip', '-j', 'link', 'show'])) as readonly Device[];
  return devices.flatMap(({ xdp }) => xdp?.prog?.id ?? []);
}

/** Of the calls that were traced, the number that one thread made: it is these that a place to kill at is counted by. */
function mostOfAThread(trace: string): number {
  const made = new Map<string, number>();
  for (const [, thread = ''] of trace.matchAll(/^(\d+)\s+\w+\(/gm)) made.set(thread, (made.get(thread) ?? 0) + 1);
  return Math.max(0, ...made.values());
}

test.serial(
  'attach: killed at any step of an upgrade it leaves what the next one ends, and packets go on',
  async (t) => {
    t.timeout(7_200_000);
    await using bed = await Testbed.make();
    const redirected = await Redirected.start(bed, RATE, ['--max-redirects', '64']);
    const { agent, asker } = redirected;

    let size: number = SIZES[0];
    const other = (): number => (size === SIZES[0] ? SIZES[1] : SIZES[0]);
    const words = (slots: number) =>
      shuntCommand(['attach', '--pin-root', bed.pinRoot, '--interface', 'to-a', '--max-redirects', `${slots}`]);
    const file = join(bed.folder, 'trace');
    const traced = (...how: readonly string[]) =>
      bed.inside('b', [
        'env',
        'NODE_DISABLE_COMPILE_CACHE=1',
        'strace',
        '-f',
        '-qq',
        '-o',
        file,
        ...how,
        ...words(other()),
      ]);
    await must(traced('-e', `trace=${CALLS}`));
    size = other();
    const calls = [...(await readFile(file, 'utf8')).matchAll(/^(\d+)\s+(\w+)\(/gm)];
    const main = calls.find(([, , name]) => name === 'bpf')?.[1];
    const counts = new Map<string, number>();
    const points = calls.flatMap(([, thread, name = '']) => {
      if (thread !== main) return [];
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return [[name, counts.get(name) ?? 0] as const];
    });

    const wrong: unknown[] = [];
    let [tried, died] = [0, 0];
    // How many calls a loader makes while it waits is another number each time: its last ones may not come.
    const absent: string[] = [];
    for (let at = FROM; at < points.length; at += EVERY) {
      const [name, nth] = points[at] ?? [];
      tried += 1;
      const { status } = await run(traced('-e', `trace=${name}`, '-e', `inject=${name}:signal=SIGKILL:when=${nth}`));
      const isReached = mostOfAThread(await readFile(file, 'utf8')) >= (nth ?? 0);
      t.is(status !== 0, isReached, `${name} ${nth}: it dies there, if it comes there`);
      if (isReached) died += 1;
      else absent.push(`${name} ${nth}`);
      const { lost, answers } = await asker.report();
      const next = await run(bed.inside('b', words(other())));
      size = other();
      const left = (await readdir(bed.pinRoot)).filter((one) => !one.endsWith('.debug')).toSorted();
      const running = new Set(await programs(bed));
      const fine = next.status === 0 && lost === 0 && running.size === 1 && left.join() === `agent,${STANDING}`;
      if (!fine || answers.b !== redirected.answeredByB)
        wrong.push({ name, nth, next: next.stderr, lost, left, running: [...running], answers });
    }
    t.deepEqual(wrong, []);
    t.true(died > 0);
    t.true(absent.length <= tried / 20, `not reached: ${absent.join(', ')}`);
    const sent = await redirected.end(t);
    if (process.env.EVERY !== undefined)
      console.log(
        `of ${points.length} system calls, tried from ${FROM} on one in ${EVERY}: ${died} died there, ${absent.length} not reached, ${sent} datagrams`,
      );
    t.is(agent.status, undefined, 'the agent went on');
  },
);
