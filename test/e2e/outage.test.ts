import { join } from 'node:path';
import test from 'ava';
import { CONVERGE_MS, serviceRedirect, startProduct } from '../support/operator.ts';
import { must, until } from '../support/process.ts';
import { Testbed } from '../support/testbed.ts';
import { Asker, Echo, HEADER_BYTES } from '../support/traffic.ts';

const RATE = 500;
const NAME = 'to-c';

test.serial('outage: a redirect outlives agent and bus, and every delete of it succeeds', async (t) => {
  await using bed = await Testbed.make();
  const { agent, nats, controller, operator } = await startProduct(bed);
  const [b, c] = [await Echo.start(bed, 'b'), await Echo.start(bed, 'c')];
  const asker = await Asker.start(bed);
  await asker.steady(RATE);
  await asker.answeredBy('b', CONVERGE_MS);
  const { rev } = await operator.apply(serviceRedirect(NAME, 'v4'));
  await asker.answeredBy('c', CONVERGE_MS);
  const before = await operator.applied(rev);

  await agent.stop('SIGKILL');
  await nats.stop('SIGKILL');
  const atOutage = await asker.report();
  await until('500 more answers', CONVERGE_MS, async () => {
    const now = await asker.report();
    return now.sent - atOutage.sent > 500;
  });
  await bed.startNats();
  const revived = await bed.startAgent();
  const found = await operator.applied(rev);
  t.is(found.counts.installed, 1, 'the agent finds its redirect as it was');
  t.not(found.boot, before.boot);
  t.is(controller.status, undefined, 'the controller waits for the bus');
  const during = await asker.report();
  t.is(during.last, 'c');
  t.is(during.lost, 0);
  t.is(during.answers.b, atOutage.answers.b, 'C went on alone');

  const [entry] = await bed.entries('redirect4');
  const key = (entry?.key ?? []).map((byte) => byte.slice(2));
  await must(['bpftool', 'map', 'delete', 'pinned', join(bed.pins, 'redirect4'), 'key', 'hex', ...key]);
  await asker.answeredBy('b', CONVERGE_MS);
  const [counted] = await operator.dump();

  const first = await operator.delete(NAME);
  t.deepEqual([first.deleted, first.absent], [[NAME], []]);
  const status = await operator.applied(first.rev);
  t.is(status.deleteAbsent, '1', 'the kernel had no such entry: success, and counted');
  t.is(status.counts.desired, 0);
  t.is(status.boot, found.boot);
  t.true(Number(status.seq) > Number(found.seq), 'statuses of one start are counted');
  const second = await operator.delete(NAME);
  t.deepEqual([second.deleted, second.absent], [[], [NAME]], 'absent already: success');

  const asked = await asker.stop();
  const [atB, atC] = [await b.counted(), await c.counted()];
  t.is(asked.lost, 0);
  t.is(atB.datagrams + atC.datagrams, asked.sent);
  t.is(counted?.packets, `${atC.datagrams}`);
  t.is(counted?.bytes, `${atC.bytes + atC.datagrams * HEADER_BYTES.v4}`);
  t.is(await revived.stop(), 0, 'SIGTERM: the agent drains and ends with 0');
});
