/**
 * Released agents, controllers and commands beside those of this checkout, both ways, on one host with live traffic. What
 * is promised is in docs/operations.md, "Versions side by side".
 */
import test, { type ExecutionContext } from 'ava';
import type { Dump } from '../../protocol/ask.ts';
import type { Event } from '../../protocol/event.ts';
import type { Explanation } from '../../protocol/explain.ts';
import type { GetReply } from '../../protocol/listings.ts';
import type { PlanReply } from '../../protocol/plan.ts';
import type { Stats } from '../../protocol/stats.ts';
import { MixedHost } from '../support/mixed-host.ts';
import { bring, RELEASES } from '../support/release.ts';
import { HOST, ROOT } from '../support/testbed.ts';

const BUILD_MS = 10 * 60_000;
const TEST_MS = 10 * 60_000;

for (const release of RELEASES) {
  const { name } = release;
  let old = '';

  test.serial.before(`releases: ${name} is there, built`, async (t) => {
    t.timeout(BUILD_MS);
    old = await bring(release);
  });

  for (const side of ['agent', 'controller'] as const) {
    test.serial(
      `releases: ${name}'s ${side} gets on with the rest of today, through changes, silence and restarts`,
      async (t) => {
        t.timeout(TEST_MS);
        const [agent, controller] = side === 'agent' ? [old, ROOT] : [ROOT, old];
        await using host = await MixedHost.make(t, agent);
        await host.startController(controller);
        await host.startAgent(agent);
        await host.redirect(ROOT);
        await host.rests('applied by today’s command', ROOT, old);
        await host.change(old);
        await host.rests("changed by the release's", ROOT, old);
        for (const by of [ROOT, old]) await everyCommand(t, host, by);
        await host.remove(ROOT, 0, 1);
        await host.remove(old, 2);
        await host.rests('deleted', ROOT);

        await host.agent.stop();
        await host.change(ROOT);
        await host.remove(ROOT, 3, 4);
        await host.startAgent(agent);
        await host.rests('synced after what was missed', ROOT);

        await host.controller.stop('SIGKILL');
        await host.startController(controller);
        await host.change(ROOT);
        await host.rests('changed after a restart of the controller', ROOT);
        await host.agent.stop('SIGKILL');
        await host.startAgent(agent);
        await host.rests('as it was after a restart of the agent', ROOT);
        await host.remove(ROOT, 5);
        await host.rests('deleted after a restart of the agent', ROOT);
        await host.end(old);
      },
    );
  }
}

/** What the commands of a checkout say of the service's redirect, asked of whoever runs. */
async function everyCommand(t: ExecutionContext, host: MixedHost, by: string): Promise<void> {
  const ask = async <T>(...args: readonly string[]) => (await host.bed.by(by).ask(...args)) as T;
  const { items } = await ask<GetReply>('get');
  t.deepEqual(items.map(({ spec }) => `${spec.name}`).sort(), host.names);
  t.true(items.every(({ hosts }) => hosts.join() === HOST));
  const file = await host.fileOfService();
  const planned = await ask<PlanReply>('plan', '-f', file, '--delete', 'many-0', '--delete', 'absent');
  t.like(planned, { created: 0, changed: 0, unchanged: 1, deleted: 1, absent: ['absent'], hostsTotal: 1 });
  const dump = await ask<Dump>('dump', '--host', HOST);
  t.deepEqual(dump.items.map((item) => item.name).sort(), host.names);
  t.true(dump.items.every(({ state, entry }) => state === 'installed' && entry !== null));
  const explained = await ask<Explanation>('explain', '--host', HOST, 'to-c');
  t.like(explained, { state: 'installed', nexthop: { state: 'resolved' }, bypass: false });
  t.is((await ask<Event>('events', '--host', HOST, '--last', '1')).kind, 'applied');
  const { redirected, lost } = await ask<Stats>('stats', '--host', HOST);
  t.true(BigInt(redirected) > 0n);
  t.is(lost, '0');
}
