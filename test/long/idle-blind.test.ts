import test from 'ava';
import { CONVERGE_MS, serviceRedirect, startProduct } from '../support/operator.ts';
import { until } from '../support/process.ts';
import { HOST, NATS_URL, Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';

const AFTER_MS = 2_000;
const RATE = 200;
const NAME = 'quiet';
const TEST_MS = 600_000;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test.serial('idle: nobody is silent whom nobody can see', async (t) => {
  t.timeout(TEST_MS);
  await using bed = await Testbed.make();
  let { agent, operator } = await startProduct(bed);
  const [, , asker] = [await Echo.start(bed, 'b'), await Echo.start(bed, 'c'), await Asker.start(bed)];
  const spec = serviceRedirect(NAME, 'v4') as { readonly match: object };
  const { rev } = await operator.apply({ ...spec, match: { ...spec.match, in: 'to-a' }, idle: { after: AFTER_MS } });
  await operator.applied(rev);
  await asker.steady(RATE);
  const shunt = async (...words: string[]): Promise<void> => {
    const { status, stderr } = await bed.shunt('b', ...words, '--pin-root', bed.pinRoot);
    if (status !== 0) throw new Error(stderr);
  };
  const link = (state: string) => bed.must('b', ['ip', 'link', 'set', 'to-a', state]);
  const attach = () => bed.attach('--interface', 'to-a');
  const ways = [
    ['bypass', () => shunt('bypass', 'on'), () => shunt('bypass', 'off')],
    ['detached', () => shunt('detach', '--interface', 'to-a'), attach],
    ['without carrier', () => link('down'), () => link('up')],
  ] as const;
  const both = ways.flatMap((way) => [false, true].map((dies) => [...way, dies] as const));
  for (const [what, blind, see, dies] of both) {
    if (dies) await agent.stop('SIGKILL');
    await blind();
    await sleep(3 * AFTER_MS);
    await see();
    if (dies) {
      agent = await bed.startAgent();
      await agent.until('reports its status', CONVERGE_MS, async () => (await operator.status()) !== undefined);
    }
    await sleep(AFTER_MS / 2);
    t.is((await bed.entries('redirect4')).length, 1, `${what}, the agent ${dies ? 'dead' : 'alive'}`);
  }
  const events = (await bed.shunt('bus', 'events', '--host', HOST, '--nats', NATS_URL)).stdout;
  t.notRegex(events, /\bidle\b/);
  await asker.stop();
  await until('the entry is gone', CONVERGE_MS, async () => (await bed.entries('redirect4')).length === 0);
});
