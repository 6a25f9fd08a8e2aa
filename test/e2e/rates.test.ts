import { join } from 'node:path';
import test from 'ava';
import { type CountsReply, parseCountsReply } from '../../protocol/counts.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import type { TopReply } from '../../protocol/top.ts';
import { CONVERGE_MS, type Operator, serviceRedirect, startProduct } from '../support/operator.ts';
import { until } from '../support/process.ts';
import { HOST, NATS_URL, Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';

const NAME = 'busy';
const QUIET = 'quiet';
const BURST = 500;
const RATE = 200;
/** Of a rate, on a machine that does other things, too. */
const NEAR = 0.2;
const PROGRAM = join(import.meta.dirname, '../support/raw-request.ts');

async function counts(bed: Testbed, keys: readonly string[]): Promise<CountsReply> {
  const request = [NATS_URL, makeSubjects().ask(HOST, 'counts'), JSON.stringify({ v: 1, keys })];
  const reply = parseCountsReply(JSON.parse(await bed.must('bus', [process.execPath, PROGRAM, ...request])), HOST);
  if ('error' in reply) throw new Error(`${reply.error.code} ${reply.error.message}`);
  return reply;
}

async function keysOf(operator: Operator): Promise<readonly string[]> {
  const items = await operator.dump();
  return [NAME, QUIET].map((name) => items.find((item) => item.name === name)?.key ?? '');
}

function since(before: CountsReply, after: CountsReply): unknown {
  const items = after.items.map(({ name, counting, packets, bytes }, at) => {
    const was = before.items[at];
    return [
      name,
      counting === was?.counting,
      Number(packets) - Number(was?.packets),
      Number(bytes) > Number(was?.bytes),
    ];
  });
  const sent = Number(after.verdicts.SENT) - Number(before.verdicts.SENT);
  return { boot: after.boot === before.boot, epoch: after.counterEpoch === before.counterEpoch, items, sent };
}

test.serial(
  'rates: counts can be subtracted, packet by packet; top and get say how fast; a restart is told',
  async (t) => {
    await using bed = await Testbed.make();
    const { agent, operator } = await startProduct(bed);
    const [, , asker] = [await Echo.start(bed, 'b'), await Echo.start(bed, 'c'), await Asker.start(bed)];
    const { rev } = await operator.apply(serviceRedirect(NAME, 'v4'), serviceRedirect(QUIET, 'v6'));
    await operator.applied(rev);
    const keys = await keysOf(operator);

    const before = await counts(bed, keys);
    const told = await asker.burst(BURST);
    const after = await counts(bed, keys);
    t.deepEqual([told.answers, told.lost], [{ c: BURST }, 0]);
    const sent = BURST;
    t.deepEqual(since(before, after), {
      ...{ boot: true, epoch: true, sent },
      items: [
        [NAME, true, sent, true],
        [QUIET, true, 0, false],
      ],
    });
    t.true(after.monotonicMs > before.monotonicMs);
    t.like(after, { absent: [], lost: '0', items: [{ state: 'installed', passed: {} }, { seenMsAgo: null }] });

    await asker.steady(RATE);
    const near = (rate: number | null | undefined) => typeof rate === 'number' && Math.abs(rate - RATE) < RATE * NEAR;
    const top = async () => (await bed.ask('top')) as TopReply;
    const reply = await until('top says how fast', CONVERGE_MS, async () => {
      const { items, ...all } = await top();
      return near(items[0]?.packets) && { items, ...all };
    });
    t.is(reply.items[0]?.name, NAME);
    t.like(reply, { hosts: 1, hostsKnown: 1, total: 1, lost: 0 });
    t.true(near(reply.verdicts.SENT));
    const got = (await bed.ask('get')) as {
      readonly items: readonly { readonly rate?: { readonly packets: number } }[];
    };
    t.deepEqual(
      got.items.map(({ rate }) => (rate === undefined ? undefined : near(rate.packets) || rate.packets)),
      [true, 0],
    );

    const last = await counts(bed, keys);
    agent.signal('SIGTERM');
    await agent.ended;
    const second = await bed.startAgent();
    await second.until('reports its status', CONVERGE_MS, async () => (await operator.status()) !== undefined);
    const anew = await counts(bed, keys);
    t.not(anew.boot, last.boot);
    t.is(anew.counterEpoch, last.counterEpoch, 'the maps are the same');
    t.true(Number(anew.items[0]?.packets) > Number(last.items[0]?.packets), 'they counted meanwhile');
    t.is((await asker.stop()).lost, 0);
  },
);
