import test from 'ava';
import { summariseTraffic } from '../../../../agent/answer/stats.ts';
import { Delivery } from '../../../../agent/reconcile/delivery.ts';
import { summarise } from '../../../../agent/reconcile/summarise.ts';
import { EMPTY_DIGEST } from '../../../../protocol/digest.ts';
import { MAX_MESSAGE_BYTES } from '../../../../protocol/json.ts';
import { encodeStats, parseStatsReply } from '../../../../protocol/stats.ts';
import { encodeStatus, parseStatus } from '../../../../protocol/status.ts';
import { AT_REST, intentOf, makeKernel, NOW } from './world.ts';

const egressOf = () => ({ interface: 'eth1', intents: [intentOf(1)] });
const MINUTE = 60_000;

test('delivery: what was lost before the first look is no news', (t) => {
  const kernel = makeKernel();
  const delivery = new Delivery();
  kernel.lose(3, 7n, 'ENXIO');
  t.deepEqual(delivery.look(kernel.losses(), egressOf, NOW), { begun: [], changed: false });
  t.deepEqual(delivery.look(kernel.losses(), egressOf, NOW), { begun: [], changed: false });
  t.deepEqual(delivery.undelivered, []);
});

test('delivery: a loss begins once, grows, and ends a minute after its last packet', (t) => {
  const kernel = makeKernel();
  const delivery = new Delivery();
  delivery.look(kernel.losses(), egressOf, NOW);
  kernel.lose(3, 7n, 'ENXIO');
  t.is(delivery.look(kernel.losses(), egressOf, NOW + 1).begun.length, 1);
  kernel.lose(3, 5n, 'ENXIO', 'xdp_devmap_xmit');
  t.deepEqual(delivery.look(kernel.losses(), egressOf, NOW + 2), { begun: [], changed: false });
  const trouble = { ifindex: 3, errno: 'ENXIO', packets: 12n, sinceMs: NOW + 1, interface: 'eth1' };
  t.like(delivery.undelivered?.[0], trouble, 'two tracepoints, one reason');
  t.false(delivery.look(kernel.losses(), egressOf, NOW + 1 + MINUTE).changed);
  t.true(delivery.look(kernel.losses(), egressOf, NOW + 2 + MINUTE).changed);
  t.deepEqual(delivery.undelivered, []);
  kernel.lose(3, 1n, 'ENXIO');
  t.like(delivery.look(kernel.losses(), egressOf, NOW + 3 + MINUTE).begun[0], {
    packets: 1n,
    sinceMs: NOW + 3 + MINUTE,
  });
});

test('delivery: each device and each errno is a loss of its own, and one without an errno too', (t) => {
  const kernel = makeKernel();
  const delivery = new Delivery();
  delivery.look(kernel.losses(), egressOf, NOW);
  kernel.lose(3, 1n, 'ENXIO');
  kernel.lose(3, 2n);
  kernel.lose(4, 3n, 'ENXIO');
  delivery.look(kernel.losses(), egressOf, NOW);
  t.deepEqual(
    delivery.undelivered?.map(({ ifindex, errno, packets }) => [ifindex, errno, packets]),
    [
      [3, 'ENXIO', 1n],
      [3, undefined, 2n],
      [4, 'ENXIO', 3n],
    ],
  );
});

test('delivery: who sent there is still named when the redirect or the device has gone', (t) => {
  const kernel = makeKernel();
  const delivery = new Delivery();
  delivery.look(kernel.losses(), egressOf, NOW);
  kernel.lose(3, 1n);
  delivery.look(kernel.losses(), egressOf, NOW);
  kernel.lose(3, 1n);
  delivery.look(kernel.losses(), () => ({ interface: null, intents: [] }), NOW);
  t.like(delivery.undelivered?.[0], { interface: 'eth1', intents: [intentOf(1)], packets: 2n });
});

test('delivery: where not all is watched, no loss is not known', (t) => {
  const kernel = makeKernel();
  const delivery = new Delivery();
  kernel.unwatched = ['xdp_bulk_tx'];
  delivery.look(kernel.losses(), egressOf, NOW);
  t.is(delivery.undelivered, null);
  kernel.lose(3, 1n);
  delivery.look(kernel.losses(), egressOf, NOW);
  t.is(delivery.undelivered?.length, 1);
});

test('summarise: what does not arrive is named with interface, errno and eight redirects, and the state stays', (t) => {
  const intents = Array.from({ length: 10 }, (_, n) => intentOf(n));
  const who = { host: 'h1', boot: 'b1', agent: '0.1.0', can: [], labels: {}, interfaces: [] };
  const lost = { ifindex: 3, interface: 'eth1', errno: 'ENXIO', packets: 2n ** 63n, sinceMs: NOW, intents };
  const status = (undelivered: readonly (typeof lost)[] | null) =>
    summarise(
      who,
      { ...AT_REST, undelivered },
      { footing: { digest: EMPTY_DIGEST }, refused: { total: 0, byCode: {} }, problems: [] },
      { nowMs: NOW, seq: 1, maxBytes: MAX_MESSAGE_BYTES },
    );
  t.deepEqual(parseStatus(encodeStatus(status([lost]))).undelivered, [
    {
      ...{ interface: 'eth1', ifindex: 3, errno: 'ENXIO', packets: '9223372036854775808', since: NOW },
      redirects: ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7'],
      redirectsTotal: 10,
    },
  ]);
  t.is(status([lost]).exceptionsTotal, 0);
  t.false('undelivered' in status([]));
  t.is(parseStatus(encodeStatus(status(null))).undelivered, null);
  t.is(status(Array.from({ length: 65 }, () => lost)).undelivered?.length, 64);
});

test('stats: verdicts and losses are summed, named, and travel', (t) => {
  const kernel = makeKernel();
  kernel.judged = new Map([
    ['SENT', 5n],
    ['SENT_BACK', 2n],
    ['NO_MATCH', 3n],
  ]);
  const [netdev] = kernel.network().netdevs;
  kernel.lose(netdev?.ifindex ?? 0, 4n, 'ENXIO');
  kernel.lose(99, 1n, undefined, 'xdp_devmap_xmit');
  kernel.unwatched = ['xdp_bulk_tx'];
  const stats = summariseTraffic('h1', kernel, kernel.network(), NOW);
  t.deepEqual(stats, {
    ...{ v: 1, host: 'h1', at: NOW, packets: '10', redirected: '7', lost: '5' },
    verdicts: { SENT: '5', SENT_BACK: '2', NO_MATCH: '3' },
    losses: [
      {
        interface: netdev?.name,
        ifindex: netdev?.ifindex,
        tracepoint: 'xdp_redirect_err',
        errno: 'ENXIO',
        packets: '4',
      },
      { interface: null, ifindex: 99, tracepoint: 'xdp_devmap_xmit', packets: '1' },
    ],
    unwatched: ['xdp_bulk_tx'],
  });
  t.deepEqual(parseStatsReply(encodeStats(stats), 'h1'), stats);
});
