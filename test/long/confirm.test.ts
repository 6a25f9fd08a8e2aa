import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Explanation } from '../../protocol/explain.ts';
import type { HostItem } from '../../protocol/listings.ts';
import { AT_BUS, catchBus, guardOf, openGuard, startHostAtBus } from '../support/at-bus.ts';
import { attachHost, CONVERGE_MS, type Operator, serviceRedirect } from '../support/operator.ts';
import { type Running, until } from '../support/process.ts';
import { C, HOST, NATS_URL, shuntCommand, Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';

const RATE = 200;
const WITHIN_MS = 20_000;
/** What looking for it takes on a busy machine. */
const LATE_MS = 5_000;

const CATCH = catchBus([HOST]);
const NAME = 'to-c';

interface Started {
  readonly controller: Running;
  readonly agent: Running;
  readonly operator: Operator;
  /** What the agent is started with. */
  readonly args: readonly string[];
}

/** The whole product, with a guard that lets packets of the bus be caught. */
async function start(bed: Testbed): Promise<Started> {
  await bed.startNats();
  const controller = await bed.startController();
  await openGuard(bed);
  const host = await startHostAtBus(bed);
  // Only who says that it can is asked to.
  await until('the controller has heard it', CONVERGE_MS, async () => {
    const { items } = (await bed.ask('hosts')) as { readonly items: readonly HostItem[] };
    return items.some(({ host, seenAt }) => host === HOST && seenAt !== null);
  });
  return { ...host, controller, args: ['--guard', guardOf(bed)] };
}

/** Applies with --confirm, and does not wait for what comes of it. */
async function applyToConfirm(bed: Testbed, spec: object, within = `${WITHIN_MS / 1_000}s`): Promise<Running> {
  const file = join(bed.folder, 'confirm.jsonl');
  await writeFile(file, JSON.stringify(spec));
  const argv = shuntCommand(['apply', '-f', file, '--confirm', within, '--nats', NATS_URL, '--timeout', '2m']);
  return await bed.start('bus', 'apply', argv);
}

async function untilsOf(bed: Testbed): Promise<readonly number[]> {
  const entries = await bed.entries('redirect4');
  return entries.map(({ formatted }) => Number(formatted.value.until));
}

async function stands(bed: Testbed, wanted: boolean): Promise<number> {
  await until(`the entry is ${wanted ? '' : 'not '}there`, CONVERGE_MS, async () => {
    return (await bed.entries('redirect4')).length === (wanted ? 1 : 0);
  });
  return performance.now();
}

test.serial(
  'confirm: a change that cuts its host off goes back by itself with the controller dead, also where the agent is killed meanwhile',
  async (t) => {
    t.timeout(600_000);
    await using bed = await Testbed.make();
    const { controller, agent, operator, args } = await start(bed);
    let running = agent;
    for (const killed of [false, true]) {
      await applyToConfirm(bed, CATCH);
      const stoodMs = await stands(bed, true);
      t.true((await untilsOf(bed)).every((jiffies) => jiffies > 0));
      if (!killed) controller.signal('SIGKILL');
      await until('the host is cut off', CONVERGE_MS, async () => (await operator.status()) === undefined);
      if (killed) {
        running.signal('SIGKILL');
        await running.ended;
        running = await bed.startAgent(...args);
      }
      const goneMs = await stands(bed, false);
      t.true(goneMs - stoodMs > WITHIN_MS - LATE_MS, `${goneMs - stoodMs} ms`);
      t.log(
        `${killed ? 'agent killed' : 'controller dead'}: taken back after ${(goneMs - stoodMs).toFixed(0)} ms of ${WITHIN_MS}`,
      );
      if (!killed) await bed.startController();
      const back = await until('the host is back', CONVERGE_MS, () => operator.status());
      t.like(back.exceptions, [{ name: 'catch', state: 'denied', code: 'REVERTED' }]);
      const { confirmation } = (await bed.ask('explain', '--host', HOST, 'catch')) as Explanation;
      t.like(confirmation, { state: 'reverted', previous: null });
      await operator.delete('catch');
      await until('nothing is left of it', CONVERGE_MS, async () => (await operator.status())?.exceptionsTotal === 0);
    }
  },
);

test.serial(
  'confirm: with a dead agent the kernel passes from the deadline on, and what stood before comes back without a bus',
  async (t) => {
    t.timeout(600_000);
    await using bed = await Testbed.make();
    const { agent, controller, operator, args } = await start(bed);
    const [, , asker] = [await Echo.start(bed, 'b'), await Echo.start(bed, 'c'), await Asker.start(bed)];
    const { rev } = await operator.apply(serviceRedirect(NAME, 'v4', { nexthop: C.v4, ttl: 'keep' }));
    await operator.applied(rev);
    await asker.steady(RATE);
    await asker.answeredBy('c', CONVERGE_MS);
    await applyToConfirm(bed, serviceRedirect(NAME, 'v4'));
    await until('it has an end', CONVERGE_MS, async () => (await untilsOf(bed)).every((jiffies) => jiffies > 0));
    for (const it of [agent, controller]) it.signal('SIGKILL');
    await agent.ended;
    await asker.answeredBy('c', CONVERGE_MS);
    await asker.answeredBy('b', WITHIN_MS + CONVERGE_MS);
    t.is((await bed.entries('redirect4')).length, 1, 'it is there, and has ended');
    await bed.startAgent(...args, '--nats', 'nats://10.99.0.1:4');
    await asker.answeredBy('c', CONVERGE_MS);
    t.deepEqual(await untilsOf(bed), [0]);
  },
);

test.serial('confirm: what hosts go on with is confirmed, and no packet is lost over it', async (t) => {
  t.timeout(600_000);
  await using bed = await Testbed.make();
  const { operator } = await start(bed);
  const [, , asker] = [await Echo.start(bed, 'b'), await Echo.start(bed, 'c'), await Asker.start(bed)];
  await operator.applied((await operator.apply(serviceRedirect(NAME, 'v4', { nexthop: C.v4, ttl: 'keep' }))).rev);
  await asker.steady(RATE);
  await asker.answeredBy('c', CONVERGE_MS);
  const before = await asker.report();
  const apply = await applyToConfirm(bed, serviceRedirect(NAME, 'v4'), '60s');
  t.is(await until('the command ends', CONVERGE_MS, () => apply.status), 0, apply.lines.join('\n'));
  t.deepEqual(await untilsOf(bed), [0]);
  const after = await asker.stop();
  t.is(after.answers.b ?? 0, before.answers.b ?? 0);
  t.is(after.lost, 0);
  t.is((await operator.status())?.unconfirmed, undefined);
});

test.serial('confirm: after a boot of the host its time goes on from where it was', async (t) => {
  t.timeout(600_000);
  await using bed = await Testbed.make();
  const { agent, controller, args } = await start(bed);
  await applyToConfirm(bed, serviceRedirect(NAME, 'v4'));
  const stoodMs = await stands(bed, true);
  for (const it of [agent, controller]) it.signal('SIGKILL');
  await agent.ended;
  const deadMs = performance.now() - stoodMs;
  await bed.shunt('b', 'detach', '--pin-root', bed.pinRoot);
  const bootId = join(bed.folder, 'boot_id');
  await writeFile(bootId, '11111111-2222-4333-8444-555555555555\n', { mode: 0o644 });
  await new Promise((resolve) => setTimeout(resolve, WITHIN_MS));
  await attachHost(bed, AT_BUS);
  const booted = [
    'unshare',
    '-m',
    'sh',
    '-c',
    'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"',
    bootId,
  ];
  await bed.start('b', 'agent', [...booted, ...bed.agentCommand(...args)]);
  const againMs = await stands(bed, true);
  const goneMs = await stands(bed, false);
  const leftMs = goneMs - againMs;
  t.true(leftMs > WITHIN_MS - deadMs - LATE_MS, `${leftMs} ms after ${deadMs} ms`);
  t.log(`${deadMs.toFixed(0)} ms before the boot, and ${leftMs.toFixed(0)} after it, of ${WITHIN_MS}`);
});
