/** The reference of the program says of each row of the table of frames in docs/redirects.md what the page says. */
import test from 'ava';
import type { Family } from '../../protocol/address.ts';
import { parsePrefix } from '../../protocol/address.ts';
import { compareShapes, type Shape } from '../../protocol/shape.ts';
import { answer } from '../reference/program.ts';
import type { Entry, Key, State, Value } from '../reference/state.ts';
import { must } from '../support/must.ts';
import { FRAME_ROWS, type Known } from '../support/odd-frames.ts';
import { forwarded, frame, ipv4, UDP, udp } from '../support/packets.ts';

const TARGET_MAC = '02:00:00:00:00:01';
const EGRESS_MAC = '02:00:00:00:00:02';
const [INGRESS, EGRESS] = [1, 77];

const SEND: Value = {
  action: 'send',
  slot: 1,
  until: 0n,
  egress: EGRESS,
  mtu: 1500,
  keepTtl: false,
  guarded: false,
  target: Uint8Array.of(2, 0, 0, 0, 0, 1),
  source: Uint8Array.of(2, 0, 0, 0, 0, 2),
};

/** Slots of redirects that name ports, the protocol alone, and neither. */
const SLOT = { ports: 1, protocol: 2, addresses: 3 } as const;

function shapeOf(family: Family, { proto, dport }: Partial<Key>): Shape {
  const rest = { sport: false, in: false };
  return { family, srcLen: 0, dstLen: 0, proto: proto !== undefined, dport: dport !== undefined, ...rest };
}

/** A state with these redirects of all addresses of both families. */
function stateOf(...redirects: readonly (readonly [Partial<Key>, Partial<Value>])[]): State {
  const lists = (family: Family) =>
    [redirects.map(([key]) => shapeOf(family, key)).toSorted(compareShapes), []] as const;
  const entries = (['0.0.0.0/0', '::/0'] as const).flatMap((text) => {
    const any = must(text, parsePrefix(text) ?? 0);
    return redirects.map(([key, value]): Entry => {
      return { key: { src: any, dst: any, zone: 0, ...key }, value: { ...SEND, ...value }, whole: true };
    });
  });
  const control = { shapes4: 0, shapes6: 0, bypass: 0, ready: 1 };
  const protect = { live: 0, lists: [[], []] } as const;
  const host = { protect, zones: [], ports: [EGRESS], slots: 64, ingress: INGRESS, now: 1_000n };
  return { entries, shapes: { 4: lists(4), 6: lists(6) }, control, ...host };
}

function known(bytes: Uint8Array, proto: number): Known | undefined {
  const ports = proto === UDP ? [[{ proto, dport: 443 }, { slot: SLOT.ports }] as const] : [];
  const state = stateOf(...ports, [{ proto }, { slot: SLOT.protocol }], [{}, { slot: SLOT.addresses }]);
  const { verdict, hit } = answer(bytes, state);
  const names = Object.keys(SLOT) as (keyof typeof SLOT)[];
  return verdict === 'SENT' ? names.find((name) => SLOT[name] === hit?.slot) : verdict;
}

for (const { says, known: wanted, frames, protos, leaves } of FRAME_ROWS) {
  test(`reference: ${says}: ${wanted}`, (t) => {
    t.true(frames.length > 0);
    for (const [index, bytes] of frames.entries()) {
      t.is(known(bytes, protos?.[index] ?? UDP), wanted, Buffer.from(bytes).toString('hex'));
      const { verdict, bytes: left } = answer(bytes, stateOf([{}, {}]));
      const sent = forwarded(leaves?.[index] ?? bytes, TARGET_MAC, EGRESS_MAC);
      t.deepEqual(Buffer.from(left), Buffer.from(verdict === 'SENT' ? sent : bytes));
    }
  });
}

test('reference: what is counted of a hit that leaves, of one that is passed, and of one that ended', (t) => {
  const bytes = frame(ipv4(udp()), { padding: 4 });
  const counted = (value: Partial<Value>) => {
    const { verdict, xdp, hit, passed } = answer(bytes, stateOf([{}, value]));
    return { verdict, xdp, hit, passed };
  };
  const hit = { slot: 1, bytes: bytes.length };
  t.deepEqual(counted({}), { verdict: 'SENT', xdp: 'REDIRECT', hit, passed: undefined });
  t.deepEqual(counted({ egress: INGRESS }), { verdict: 'SENT_BACK', xdp: 'TX', hit, passed: undefined });
  t.deepEqual(counted({ action: 'drop' }), { verdict: 'DROPPED', xdp: 'DROP', hit, passed: undefined });
  t.deepEqual(counted({ mtu: 35 }), { verdict: 'TOO_BIG', xdp: 'PASS', hit, passed: { slot: 1, reason: 'TOO_BIG' } });
  for (const until of [1n, 1_000n])
    t.deepEqual(counted({ until }), { verdict: 'EXPIRED', xdp: 'PASS', hit: undefined, passed: undefined });
  t.is(counted({ until: 1_001n }).verdict, 'SENT');
});

test('reference: a checksum is right for every TTL, and one that was wrong stays so', (t) => {
  for (let ttl = 2; ttl < 256; ttl += 1) {
    const bytes = frame(ipv4(udp(), { ttl, options: Uint8Array.from([0xff, ttl, ttl, 0xfe]) }));
    const { bytes: left } = answer(bytes, stateOf([{}, {}]));
    t.deepEqual(Buffer.from(left), Buffer.from(forwarded(bytes, TARGET_MAC, EGRESS_MAC)), `TTL ${ttl}`);
  }
  const wrong = frame(ipv4(udp()));
  wrong[24] = (wrong[24] ?? 0) ^ 0x40;
  const left = answer(wrong, stateOf([{}, {}])).bytes;
  t.notDeepEqual(Buffer.from(left), Buffer.from(forwarded(wrong, TARGET_MAC, EGRESS_MAC)));
});
