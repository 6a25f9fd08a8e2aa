import test from 'ava';
import { Rates } from '../../../../agent/reconcile/rates.ts';
import { summarise } from '../../../../agent/reconcile/summarise.ts';
import { bytesOf, MAX_MESSAGE_BYTES } from '../../../../protocol/json.ts';
import { MAX_BUSIEST } from '../../../../protocol/rates.ts';
import { encodeStatus, parseStatus, type Status } from '../../../../protocol/status.ts';
import { MemoryKernel } from '../../../fakes/memory-kernel.ts';
import { AT_REST, converge, intentOf, makeKernel, NOW, slotsOf, start } from './world.ts';

const SPAN = 15_000;

/** Looks at a kernel's counts; a slot n is that of `intentOf(n)`, where it is desired. */
class Host {
  readonly kernel: MemoryKernel;
  readonly rates = new Rates();
  turns = new Uint32Array(128);
  readonly gone = new Set<number>();
  #atMs = 0;

  constructor(slots = 128) {
    this.kernel = new MemoryKernel({ slots });
  }

  count(slot: number, packets: number, bytes = packets * 100): void {
    this.kernel.count(slot, { packets: BigInt(packets), bytes: BigInt(bytes), seen: 1n });
  }

  look(afterMs = SPAN) {
    this.#atMs += afterMs;
    const holderOf = (slot: number) => (this.gone.has(slot) ? undefined : intentOf(slot));
    return this.rates.look(this.kernel.counts, { turns: this.turns, holderOf }, this.#atMs);
  }

  /** Name and packets. */
  busiest(afterMs = SPAN): readonly string[] | undefined {
    return this.look(afterMs)?.busiest.map(({ name, packets }) => `${name} ${packets}`);
  }
}

test('rates: the first look only tells where counts stand; then what came since, the most packets first', (t) => {
  const host = new Host();
  host.count(1, 1_000_000);
  t.is(host.look(), undefined);
  host.count(1, 1_000_300, 100_000_000 + 18_000);
  host.count(2, 700);
  t.deepEqual(host.look(), {
    spanMs: SPAN,
    busiest: [
      { name: 'r2', packets: 700, bytes: 70_000 },
      { name: 'r1', packets: 300, bytes: 18_000 },
    ],
    verdicts: {},
    lost: 0,
  });
  t.deepEqual(host.busiest(), [], 'nothing came, and that is known');
});

test('rates: what other holders count is not compared with what was counted for those before', (t) => {
  const host = new Host();
  host.turns[1] = 7;
  host.count(1, 1_000_000);
  host.look();
  host.turns = new Uint32Array(128); // other maps took the place of those before
  t.is(host.look(), undefined);
  host.count(1, 1_000_300);
  t.deepEqual(host.busiest(), ['r1 300']);
});

test('rates: a look that is asked for too early is none, and the next one spans it', (t) => {
  const host = new Host();
  host.look();
  host.count(1, 10);
  t.is(host.look(9_999), undefined);
  host.count(1, 30);
  t.like(host.look(8_001), { spanMs: 18_000, busiest: [{ name: 'r1', packets: 30 }] });
});

test('rates: a slot that was given to another key counts from zero, whatever it had', (t) => {
  const host = new Host();
  host.count(1, 50);
  host.count(2, 50);
  host.look();
  for (const slot of [1, 2]) host.turns[slot] = 7;
  host.count(1, 80);
  host.count(2, 20);
  t.deepEqual(host.busiest(), ['r1 80', 'r2 20']);
  host.count(1, 81);
  t.deepEqual(host.busiest(), ['r1 1']);
});

test('rates: where a count went back nothing is told of that span, and all of the next', (t) => {
  const host = new Host();
  host.count(1, 50);
  host.count(2, 50);
  host.look();
  host.count(1, 49);
  host.count(2, 1_000);
  t.is(host.look(), undefined);
  host.count(1, 60);
  t.deepEqual(host.busiest(), ['r1 11']);
  host.kernel.judged = new Map([['SENT', 5n]]);
  t.like(host.look(), { verdicts: { SENT: 5 } });
  host.kernel.judged = new Map([['SENT', 4n]]);
  t.is(host.look(), undefined);
});

test('rates: nothing is told of a span within which the maps were made anew or opened again', (t) => {
  const host = new Host();
  host.count(1, 50);
  host.look();
  host.kernel.remake();
  host.kernel.openAnew();
  host.count(1, 80);
  t.is(host.look(), undefined);
  host.count(1, 81);
  t.deepEqual(host.busiest(), ['r1 1']);
});

test('rates: what somebody wrote into a counter is no rate', (t) => {
  const host = new Host();
  host.look();
  host.kernel.count(1, { packets: 2n ** 64n - 1n, bytes: 0n, seen: 1n });
  t.is(host.look(), undefined);
  t.deepEqual(host.busiest(), []);
});

test('rates: of more than it lists the others are counted, and who is desired no more is not', (t) => {
  const host = new Host();
  host.look();
  for (let slot = 0; slot < 100; slot += 1) host.count(slot, 1 + ((slot * 37) % 100));
  host.gone.add(27); // 1 + 27 * 37 % 100 = 100: it would be the first
  const told = host.look();
  t.is(told?.busiest.length, MAX_BUSIEST);
  t.deepEqual(
    told?.busiest.map(({ packets }) => packets),
    Array.from({ length: MAX_BUSIEST }, (_, at) => 99 - at),
  );
  t.deepEqual(told?.others, { redirects: 35, packets: (35 * 36) / 2, bytes: 100 * 35 * 18 });
});

test('rates: verdicts, losses and passed hits are those of the span', (t) => {
  const host = new Host();
  host.kernel.judged = new Map([
    ['SENT', 1_000n],
    ['NO_MATCH', 4n],
  ]);
  host.kernel.lose(3, 40n, 'ENXIO');
  host.kernel.pass(1, 'TTL', 5n);
  host.look();
  host.kernel.judged = new Map([
    ['SENT', 1_500n],
    ['NO_MATCH', 4n],
    ['TTL', 2n],
  ]);
  host.kernel.lose(3, 7n, 'ENXIO');
  host.kernel.lose(9, 1n);
  host.kernel.pass(1, 'TTL', 1n);
  host.kernel.pass(1, 'TOO_BIG', 1n);
  host.count(1, 502);
  t.like(host.look(), {
    busiest: [{ name: 'r1', packets: 502, passed: 2 }],
    verdicts: { SENT: 500, TTL: 2 },
    lost: 8,
  });
  host.kernel.unwatched = ['xdp_bulk_tx'];
  t.is(host.look()?.lost, null, 'none is known of, and not all is watched');
});

test('rates: a key that takes a slot over is told with its own hits', (t) => {
  const kernel = makeKernel({ slots: 1 });
  const [old, young] = [intentOf(1), intentOf(2)];
  const view = start(kernel, [old]);
  converge(view);
  const rates = new Rates();
  const look = (atMs: number) =>
    rates.look(kernel.counts, { turns: view.slots.turns, holderOf: (slot) => view.holderOf(slot) }, atMs);
  kernel.count(0, { packets: 50n, bytes: 5_000n, seen: 1n });
  look(0);
  view.ledger.remove([old.key]);
  converge(view);
  view.ledger.put([young]);
  converge(view);
  t.is(slotsOf(view).get(young.key), 0);
  kernel.count(0, { packets: 60n, bytes: 6_000n, seen: 2n });
  t.deepEqual(look(SPAN)?.busiest, [{ name: 'r2', packets: 60, bytes: 6_000 }]);
});

const WHO = { host: 'edge-7', boot: 'b', agent: '0', can: [], labels: {}, interfaces: [] };
const TAKEN = {
  footing: { digest: '0'.repeat(32) },
  refused: { total: 0, byCode: {} },
  problems: [],
};

/** The status of a host that is busy, as it comes from a bus that takes so much. */
function busy(maxBytes: number): Status {
  const name = (at: number) => `${'n'.repeat(60)}${at}`;
  const busiest = Array.from({ length: MAX_BUSIEST }, (_, at) => ({ name: name(at), packets: 100, bytes: 9_000 }));
  const others = { redirects: 1, packets: 1, bytes: 1 };
  const rates = { spanMs: SPAN, busiest, others, verdicts: { SENT: 6_401 }, lost: 0 };
  const status = summarise(WHO, AT_REST, TAKEN, { nowMs: NOW, seq: 1, rates, maxBytes });
  return parseStatus(encodeStatus(status));
}

test('rates: a status lists as many as fit, counts the others, and is told without rates rather than not', (t) => {
  t.is(busy(MAX_MESSAGE_BYTES).rates?.busiest.length, MAX_BUSIEST);
  const some = busy(4_096).rates;
  t.true(bytesOf(busy(4_096)) <= 4_096);
  t.is(some?.busiest.length, 32);
  t.deepEqual(some?.others, { redirects: 33, packets: 3_201, bytes: 32 * 9_000 + 1 });
  const least = bytesOf(busy(0));
  t.is(busy(0).rates, undefined);
  t.is(busy(least + 200).rates?.busiest.length, 0);
  t.is(busy(least).rates, undefined);
});
