import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Dump } from '../../protocol/ask.ts';
import { Flood } from '../support/flood.ts';
import { serviceRedirect, startProduct } from '../support/operator.ts';
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

  /** To another program and back, four times, and to another layout and back. */
  async round(): Promise<void> {
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

test.serial(`upgrade: ${SWAPS} programs under ${RATE} packets a second, and each packet arrives`, async (t) => {
  t.timeout(4 * 3_600_000);
  await using bed = await Testbed.make();
  const folders = { other: join(bed.folder, 'other'), next: join(bed.folder, 'next') };
  await otherBuild(folders.other, '0.2.0');
  await otherBuild(folders.next, '0.3.0', 'next');
  const { operator, agent } = await startProduct(bed);
  const flood = await Flood.prepare(bed);
  const { rev } = await operator.apply(serviceRedirect('to-c', 'v4'));
  await operator.applied(rev);
  const upgrades = new Upgrades(t, bed, agent, folders);
  const packetsOf = async (): Promise<number> => {
    const { items } = (await bed.ask('dump', '--host', HOST)) as Dump;
    return Number(items[0]?.packets);
  };

  const beganMs = Date.now();
  await flood.begin(RATE);
  while (upgrades.swaps < SWAPS) await upgrades.round();
  const { sent, refused } = await flood.end();
  const tookMs = Date.now() - beganMs;
  await sleep(SETTLE_MS);
  const swapped = await flood.arrived();
  console.log(
    `${upgrades.swaps} swaps, ${upgrades.restarts} restarts: ${sent} sent, ${refused} refused, ${JSON.stringify(swapped)}`,
  );
  t.deepEqual([refused, swapped.packets], [0, sent], 'each packet that was sent arrived');
  t.is(await packetsOf(), sent, 'and each was counted');

  // The machine's own gaps and losses: nothing is done.
  await flood.begin(RATE);
  const withoutMs = Math.min(tookMs, WITHOUT_MS);
  await sleep(withoutMs);
  const quiet = await flood.end();
  await sleep(SETTLE_MS);
  const after = await flood.arrived();
  const [gaps, lost] = [after.gaps - swapped.gaps, quiet.sent - (after.packets - swapped.packets)];
  const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
  console.log(
    `${seconds(tookMs)} with swaps; ${seconds(withoutMs)} without: ${quiet.sent} sent, ${gaps} gaps, ${lost} lost`,
  );
});
