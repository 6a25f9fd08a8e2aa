import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Dump } from '../../protocol/ask.ts';
import { type Arrived, Flood } from '../support/flood.ts';
import { serviceRedirect, startHost, startProduct } from '../support/operator.ts';
import { otherBuild } from '../support/other-build.ts';
import type { Running } from '../support/process.ts';
import { HOST, Testbed } from '../support/testbed.ts';

/** Of the program, by link update; one in ten is of another layout, with an agent that starts anew. */
const SWAPS = Number(process.env.SWAPS ?? 100);
/** Packets a second, from before the first swap until after the last. */
const RATE = Number(process.env.RATE ?? 100_000);
/** At most so long it goes on without a swap, to see what gaps are the machine's own. */
const WITHOUT_MS = 300_000;
/** The last packets are on their way. */
const SETTLE_MS = 1_000;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** B with two more builds, one of them of another layout, and what took place there. */
class Upgrades {
  readonly #t: ExecutionContext;
  readonly #bed: Testbed;
  readonly #builds: readonly Testbed[];
  readonly #next: Testbed;
  agent: Running;
  swaps = 0;
  restarts = 0;

  constructor(
    t: ExecutionContext,
    bed: Testbed,
    agent: Running,
    folders: { readonly other: string; readonly next: string },
  ) {
    this.#t = t;
    this.#bed = bed;
    this.#builds = [bed.by(folders.other), bed];
    this.#next = bed.by(folders.next);
    this.agent = agent;
  }

  /** At least so many, in whole rounds. */
  async many(count: number): Promise<void> {
    while (this.swaps < count) await this.#round();
  }

  /** To another program and back, four times, and to another layout and back. */
  async #round(): Promise<void> {
    for (let at = 0; at < 8; at += 1) await this.#attach(this.#builds[at % 2] as Testbed);
    await Promise.all([this.#attach(this.#next), this.#change(this.#next)]);
    await Promise.all([this.#attach(this.#bed), this.#change(this.#bed)]);
  }

  async #attach(by: Testbed): Promise<void> {
    const { status, stderr } = await by.attach('--interface', 'to-a', '-o', 'json');
    this.#t.is(status, 0, stderr);
    this.swaps += 1;
  }

  async #change(to: Testbed): Promise<void> {
    await this.agent.ended;
    this.#t.is(this.agent.status, 0, this.agent.lines.join('\n'));
    this.agent = await to.startAgent();
    this.restarts += 1;
  }
}

/** What becomes of a flood while something goes on. */
interface Meanwhile extends Arrived {
  readonly tookMs: number;
  readonly sent: number;
  readonly refused: number;
}

async function during(flood: Flood, work: () => Promise<unknown>): Promise<Meanwhile> {
  const beganMs = performance.now();
  await flood.begin(RATE);
  await work();
  const ended = await flood.end();
  const tookMs = performance.now() - beganMs;
  await sleep(SETTLE_MS);
  return { ...(await flood.arrived()), ...ended, tookMs };
}

function tell(what: string, { tookMs, sent, packets, gaps, longestMs }: Meanwhile): void {
  const each = `${((gaps * 60_000) / tookMs).toFixed(0)} a minute`;
  const seconds = (tookMs / 1000).toFixed(0);
  console.log(
    `${what}: ${seconds} s, ${sent} sent, ${sent - packets} lost, ${gaps} gaps, ${each}, at most ${longestMs.toFixed(1)} ms`,
  );
}

test.serial(`upgrade: ${SWAPS} programs under ${RATE} packets a second, and each packet arrives`, async (t) => {
  t.timeout(4 * 3_600_000);
  await using bed = await Testbed.make();
  await using besides = await Testbed.make({ host: 'besides', beside: bed });
  const folders = { other: join(bed.folder, 'other'), next: join(bed.folder, 'next') };
  await otherBuild(folders.other, '0.2.0');
  await otherBuild(folders.next, '0.3.0', 'next');
  const { operator, agent } = await startProduct(bed);
  const elsewhere = new Upgrades(t, besides, (await startHost(besides)).agent, folders);
  const flood = await Flood.prepare(bed);
  const { rev } = await operator.apply(serviceRedirect('to-c', 'v4'));
  await operator.applied(rev);
  const upgrades = new Upgrades(t, bed, agent, folders);
  const packetsOf = async (): Promise<number> => {
    const { items } = (await bed.ask('dump', '--host', HOST)) as Dump;
    return Number(items[0]?.packets);
  };

  const swapped = await during(flood, () => upgrades.many(SWAPS));
  tell(`${upgrades.swaps} swaps, ${upgrades.restarts} restarts`, swapped);
  const { sent, refused, packets } = swapped;
  t.deepEqual([refused, packets], [0, sent], 'each packet that was sent arrived');
  t.is(await packetsOf(), sent, 'and each was counted');

  // What the work of it takes of the CPUs is no gap of the link: the same on a host that no packet of these meets.
  const control = await during(flood, () => elsewhere.many(SWAPS));
  tell(`${elsewhere.swaps} swaps, ${elsewhere.restarts} restarts on another host`, control);
  t.deepEqual([elsewhere.swaps, elsewhere.restarts], [upgrades.swaps, upgrades.restarts]);
  // The machine's own gaps and losses: nothing is done.
  tell('nothing done', await during(flood, () => sleep(Math.min(swapped.tookMs, WITHOUT_MS))));
});
