import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { CONVERGE_MS, serviceRedirect, startProduct } from '../support/operator.ts';
import { run, until } from '../support/process.ts';
import { Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';

const AS_NOBODY = join(import.meta.dirname, '../../tools/as-nobody');

test.serial('bypass: with agent and bus dead every packet passes, and afterwards all is as it was', async (t) => {
  await using bed = await Testbed.make();
  const { agent, nats, operator } = await startProduct(bed);
  await Promise.all([Echo.start(bed, 'b'), Echo.start(bed, 'c')]);
  const asker = await Asker.start(bed);
  await asker.steady(200);
  const { rev } = await operator.apply(serviceRedirect('to-c', 'v4'));
  await asker.answeredBy('c', CONVERGE_MS);
  await operator.applied(rev);

  const words = (word: string) => ['bypass', word, '--pin-root', bed.pinRoot, '-o', 'json'];
  const asRoot = (word: string) => bed.shunt('b', ...words(word));
  const asNobody = (word: string) => run(bed.inside('b', [AS_NOBODY, ...words(word)]));
  t.deepEqual(JSON.parse((await asNobody('on')).stdout), { bypass: true, changed: true });
  await asker.answeredBy('b', CONVERGE_MS);
  await until('status says it', CONVERGE_MS, async () => (await operator.status())?.bypass === true);
  await agent.stop('SIGKILL');
  await nats.stop('SIGKILL');
  t.deepEqual(JSON.parse((await asRoot('on')).stdout), { bypass: true, changed: false });
  t.deepEqual(JSON.parse((await asRoot('status')).stdout), { bypass: true, changed: false });

  await chown(join(bed.pins, 'control'), 0, 0);
  const refused = await asNobody('off');
  t.is(refused.status, 1);
  t.regex(refused.stderr, /open .*control: EACCES; this user may not; run it as root, or as the agent's user/);

  t.deepEqual(JSON.parse((await asRoot('off')).stdout), { bypass: false, changed: true });
  await asker.answeredBy('c', CONVERGE_MS);
  t.is((await asker.stop()).lost, 0);
});
