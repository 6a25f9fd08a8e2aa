import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { backUp, restore } from '../support/backup.ts';
import { CONVERGE_MS, type Operator, serviceRedirect, startHost } from '../support/operator.ts';
import { must, type Running, until } from '../support/process.ts';
import { HOST, NATS_URL, Testbed } from '../support/testbed.ts';
import { Asker, BELIEVED_MS, Echo, HEADER_BYTES } from '../support/traffic.ts';
import { Witness } from '../support/witness.ts';

const RATE = 500;
const NAME = 'to-c';
const LATER = 'to-c-later';
const REDIRECT = { ...serviceRedirect(NAME, 'v4'), hosts: { role: 'edge' } };

test.serial('outage: a redirect outlives agent, bus and histories, and every delete of it succeeds', async (t) => {
  await using bed = await Testbed.make();
  const [nats, controller, copy] = [await bed.startNats(), await bed.startController(), join(bed.folder, 'older.db')];
  await backUp(bed.database, copy);
  const { agent, operator } = await startHost(bed);
  const [b, c] = [await Echo.start(bed, 'b'), await Echo.start(bed, 'c')];
  const asker = await Asker.start(bed);
  await asker.steady(RATE);
  await asker.answeredBy('b', CONVERGE_MS);
  const { rev } = await operator.apply(REDIRECT);
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
  const back = await operator.applied(rev);
  t.is(back.counts.installed, 1, 'the agent finds its redirect as it was');
  t.not(back.boot, before.boot);
  t.is(controller.status, undefined, 'the controller waits for the bus');
  const during = await asker.report();
  t.is(during.last, 'c');
  t.is(during.lost, 0);
  t.is(during.answers.b, atOutage.answers.b, 'C went on alone');

  const witness = await Witness.begin(t, bed, revived, { b, asker });
  await lostOnTheHost(t, witness);
  await lostAtTheController(witness, operator, controller, copy);
  await forgotten(t, witness);
  const found = await operator.applied(rev);

  const [entry] = await bed.entries('redirect4');
  const key = (entry?.key ?? []).map((byte) => byte.slice(2));
  await must(['bpftool', 'map', 'delete', 'pinned', join(bed.pins, 'redirect4'), 'key', 'hex', ...key]);
  await asker.answeredBy('b', CONVERGE_MS);
  await delay(BELIEVED_MS);
  const [counted] = await operator.dump();

  const first = await operator.delete(NAME, LATER);
  t.deepEqual([first.deleted, first.absent], [[NAME, LATER], []]);
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
  t.is(await witness.agent.stop(), 0, 'SIGTERM: the agent drains and ends with 0');
});

async function lostOnTheHost(t: ExecutionContext, witness: Witness): Promise<void> {
  await witness.agent.stop('SIGKILL');
  await witness.loseStore();
  t.is(await witness.startAgent(), 'unproven');
  await witness.converges('its store is gone', 1);
  await witness.holds('its store is gone');
}

/** The copy does not know the host, which only its label selects. */
async function lostAtTheController(
  witness: Witness,
  operator: Operator,
  controller: Running,
  copy: string,
): Promise<void> {
  const { bed } = witness;
  await witness.agent.stop();
  await controller.stop();
  await restore(copy, bed.database);
  await bed.startController();
  await witness.startAgent(); // asks at once
  await witness.isHeld('the copy does not know the host', 'FOREIGN_EPOCH');
  await operator.apply(REDIRECT);
  await witness.holds('the copy does not know the host');
  await bed.ask('controller', 'recover');
  await operator.apply(serviceRedirect(LATER, 'v6')); // whoever is told of news asks at once
  await witness.converges('the history began anew', 2);
  await witness.holds('the history began anew');
}

async function forgotten(t: ExecutionContext, witness: Witness): Promise<void> {
  await witness.agent.stop('SIGKILL');
  const forget = await witness.bed.shunt('bus', 'hosts', 'forget', HOST, '--force', '--nats', NATS_URL);
  t.is(forget.stdout, `${HOST}: forgotten\n`);
  await witness.loseStore();
  t.is(await witness.startAgent(), 'unproven');
  await witness.converges('forgotten, and back', 2);
  await witness.holds('forgotten, and back');
}
