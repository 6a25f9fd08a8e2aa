/** Which entry a packet hits: precedence, zones, lists, and a comparison with a plain model of the rules. */
import fc from 'fast-check';
import { KEY_FLAGS, STRUCTS } from '../../agent/kernel/abi.ts';
import { encodeKey, encodeValue } from '../../agent/kernel/layout.ts';
import { encodeShapes } from '../../agent/kernel/shapes.ts';
import { anyPrefix, parsePrefix } from '../../protocol/address.ts';
import { compareSpecificity, keyOf } from '../../protocol/key.ts';
import { type Match, parseMatch, protoNumber } from '../../protocol/match.ts';
import { shapeOf, shapeText } from '../../protocol/shape.ts';
import { kernelTests } from '../support/kernel.ts';
import { frame, ipv4, ipv6, TCP, tcp, UDP, udp } from '../support/packets.ts';
import { INGRESS, LoadedProgram, SEND } from './loaded-program.ts';

const kernel = kernelTests();
const packet4 = frame(ipv4(udp(53, 443)));
const packet6 = frame(ipv6(udp(53, 443)));

/** The slot whose counter moved; undefined when none did. */
function slotHit(loaded: LoadedProgram, bytes: Uint8Array, slots: number): number | undefined {
  const before = Array.from({ length: slots }, (_, slot) => loaded.counter(slot).packets);
  loaded.run(bytes);
  const hit = before.findIndex((packets, slot) => loaded.counter(slot).packets !== packets);
  return hit < 0 ? undefined : hit;
}

const LADDERS = {
  IPv4: {
    bytes: packet4,
    matches: [
      { src: '198.51.100.7', dst: '203.0.113.10', proto: 'udp', sport: 53, dport: 443 },
      { src: '198.51.100.7', dst: '203.0.113.10', proto: 'udp', dport: 443 },
      { src: '198.51.100.7', dst: '203.0.113.10' },
      { src: '198.51.100.0/24', dst: '203.0.113.10', proto: 'udp' },
      { dst: '203.0.113.10' },
      { src: '198.51.100.7' },
      { dst: '203.0.112.0/20' },
      { dst: '0.0.0.0/0' },
    ],
  },
  IPv6: {
    bytes: packet6,
    matches: [
      { src: '2001:db8:1::7', dst: '2001:db8:2::10', proto: 'udp', sport: 53, dport: 443 },
      { src: '2001:db8:1::7', dst: '2001:db8:2::10', proto: 'udp', dport: 443 },
      { src: '2001:db8:1::7', dst: '2001:db8:2::10' },
      { src: '2001:db8:1::/65', dst: '2001:db8:2::10', proto: 'udp' },
      { dst: '2001:db8:2::10' },
      { src: '2001:db8:1::7' },
      { dst: '2001:db8::/33' },
      { dst: '::/0' },
    ],
  },
};

for (const [name, { bytes, matches }] of Object.entries(LADDERS)) {
  kernel(`match: ${name}, of eight shapes that all fit the most specific one wins, down to the last`, (t) => {
    for (let first = 0; first < matches.length; first++) {
      using loaded = new LoadedProgram();
      loaded.install(...matches.slice(first).map((match, index) => ({ match, slot: first + index })));
      t.is(slotHit(loaded, bytes, matches.length), first);
    }
  });
}

kernel('match: a wider entry is hit where the narrower shape has none for this packet', (t) => {
  using loaded = new LoadedProgram();
  loaded.install({ match: { dst: '203.0.113.11' }, slot: 0 }, { match: { dst: '203.0.113.0/24' }, slot: 1 });
  t.is(slotHit(loaded, packet4, 2), 1);
});

kernel('match: a pass inside a wider drop is an exception, and an expired one is the end too', (t) => {
  using loaded = new LoadedProgram();
  const wide = { match: { dst: '203.0.113.0/24' }, action: 'drop', slot: 1 } as const;
  loaded.install({ match: { dst: '203.0.113.10' }, action: 'pass', slot: 0 }, wide);
  t.is(loaded.run(packet4).verdict, 'PASSED');
  loaded.install({ match: { dst: '203.0.113.10' }, action: 'pass', slot: 0, until: 1n }, wide);
  t.is(loaded.run(packet4).verdict, 'EXPIRED');
});

kernel('match: an entry without a live shape is not hit', (t) => {
  using loaded = new LoadedProgram();
  loaded.install({ match: { dst: '203.0.113.10' } });
  loaded.setShapes(0, 4, encodeShapes(4, []));
  t.is(loaded.run(packet4).verdict, 'NO_MATCH');
});

kernel('match: the selector switches between two lists of shapes, for each family alone', (t) => {
  using loaded = new LoadedProgram();
  loaded.install({ match: { dst: '203.0.113.10' } }, { match: { dst: '2001:db8:2::10' } });
  const both = () => [loaded.run(packet4).verdict, loaded.run(packet6).verdict];
  loaded.setControl(STRUCTS.control.shapes4, 1);
  t.deepEqual(both(), ['NO_MATCH', 'SENT']);
  loaded.setShapes(1, 4, encodeShapes(4, [shapeOf(parseMatch({ dst: '203.0.113.10' }))]));
  loaded.setControl(STRUCTS.control.shapes6, 1);
  t.deepEqual(both(), ['SENT', 'NO_MATCH']);
});

kernel('match: an entry for one interface is hit there only, and wins over one for any', (t) => {
  for (const [dst, bytes] of [
    ['203.0.113.10', packet4],
    ['2001:db8:2::10', packet6],
  ] as const) {
    using loaded = new LoadedProgram();
    loaded.install({ match: { dst, in: 'lo' }, zone: 15, slot: 0 }, { match: { dst }, slot: 1 });
    t.is(slotHit(loaded, bytes, 2), 1, 'no zones');
    loaded.setZones([0, INGRESS + 1, ...Array.from({ length: 13 }, () => 0), INGRESS]);
    t.is(slotHit(loaded, bytes, 2), 0, 'the zone of the ingress');
    loaded.setZones([0, INGRESS, ...Array.from({ length: 13 }, () => 0), INGRESS + 1]);
    t.is(slotHit(loaded, bytes, 2), 1, 'another zone');
    loaded.setZones([INGRESS]);
    t.is(slotHit(loaded, bytes, 2), 1, 'zone 0 is no zone');
  }
});

kernel('match: a foreign key of an interface without a zone is never looked up', (t) => {
  using loaded = new LoadedProgram();
  const match = { dst: '203.0.113.10' };
  loaded.install({ match: { ...match, in: 'lo' }, zone: 1 });
  const key = encodeKey(parseMatch(match), 0);
  key[STRUCTS.key4.flags] = KEY_FLAGS.KEY_IN;
  loaded.write(key, encodeValue(key, SEND));
  t.is(loaded.run(packet4).verdict, 'NO_MATCH');
});

kernel('match: an expiry comes by the clock alone', async (t) => {
  using loaded = new LoadedProgram();
  const until = loaded.now() + 50n;
  loaded.install({ match: { dst: '203.0.113.10' }, until });
  t.is(loaded.run(packet4).verdict, 'SENT');
  const deadline = performance.now() + 10_000;
  while (loaded.run(packet4).verdict !== 'EXPIRED') {
    t.true(performance.now() < deadline);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.true(loaded.now() >= until);
});

interface Packet {
  readonly src: string;
  readonly dst: string;
  readonly proto: number;
  readonly sport: number;
  readonly dport: number;
}

/** Few addresses and ports, so that packets and matches meet often. */
const hosts = {
  4: ['192.0.2.0', '192.0.2.1', '192.0.2.128'],
  6: ['2001:db8::', '2001:db8::1', '2001:db8:0:8000::'],
} as const;
const lengths = { 4: [24, 25, 32], 6: [48, 49, 128] } as const;
const ports = fc.constantFrom(1, 256, 65535);

const worlds = fc.constantFrom(4 as const, 6 as const).chain((family) => {
  const host = fc.constantFrom(...hosts[family]);
  const any = fc.constant(anyPrefix(family));
  const prefix = fc.oneof(
    any,
    fc.tuple(host, fc.constantFrom(...lengths[family])).map(([at, len]) => masked(at, len)),
  );
  const match = fc
    .record({
      src: prefix,
      dst: prefix,
      proto: fc.constantFrom(undefined, 'tcp', 'udp', 47),
      sport: fc.option(ports, { nil: undefined }),
      dport: fc.option(ports, { nil: undefined }),
    })
    .map(({ src, dst, proto, sport, dport }) =>
      parseMatch({
        src,
        dst,
        ...(proto !== undefined && { proto }),
        ...(typeof proto === 'string' && sport !== undefined && { sport }),
        ...(typeof proto === 'string' && dport !== undefined && { dport }),
      }),
    );
  const packet = fc.record({ src: host, dst: host, proto: fc.constantFrom(TCP, UDP, 47), sport: ports, dport: ports });
  return fc.record({
    matches: fc.array(match, { minLength: 1, maxLength: 12 }),
    packets: fc.array(packet, { maxLength: 8 }),
  });
});

/** The prefix of an address at this length, or the address itself where a bit past the length is set. */
function masked(address: string, len: number): string {
  return parsePrefix(`${address}/${len}`) === undefined ? address : `${address}/${len}`;
}

function fits(match: Match, packet: Packet): boolean {
  return (
    inside(packet.src, match.src) &&
    inside(packet.dst, match.dst) &&
    (match.proto === undefined || protoNumber(match.proto) === packet.proto) &&
    (match.sport === undefined || match.sport === packet.sport) &&
    (match.dport === undefined || match.dport === packet.dport)
  );
}

/** Compares bit by bit, on purpose unlike the program's masks. */
function inside(address: string, prefix: string): boolean {
  const [host, net] = [parsePrefix(address), parsePrefix(prefix)];
  if (host === undefined || net === undefined) throw new Error(`${address} in ${prefix}`);
  const bit = (bytes: Uint8Array, at: number) => ((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
  return Array.from({ length: net.len }, (_, at) => at).every((at) => bit(host.bytes, at) === bit(net.bytes, at));
}

/** At most eight shapes, and each key once. */
function liveMatches(matches: readonly Match[]): Match[] {
  const unique = [...new Map(matches.map((match) => [keyOf(match), match])).values()];
  const shapes = new Set([...new Set(unique.map((match) => shapeText(shapeOf(match))))].slice(0, 8));
  return unique.filter((match) => shapes.has(shapeText(shapeOf(match))));
}

function bytesOf({ src, dst, proto, sport, dport }: Packet): Uint8Array {
  const segment = proto === TCP ? tcp(sport, dport) : udp(sport, dport);
  return frame(src.includes(':') ? ipv6(segment, { src, dst, next: proto }) : ipv4(segment, { src, dst, proto }));
}

kernel('match: the program hits what the most specific fitting match of a plain model is', (t) => {
  let hits = 0;
  fc.assert(
    fc.property(worlds, ({ matches, packets }) => {
      using loaded = new LoadedProgram();
      const live = liveMatches(matches);
      loaded.install(...live.map((match, slot) => ({ match: { ...match }, slot, action: 'drop' as const })));
      for (const packet of packets) {
        const best = live.filter((match) => fits(match, packet)).sort(compareSpecificity)[0];
        const wanted = best === undefined ? undefined : live.indexOf(best);
        hits += Number(best !== undefined);
        t.is(slotHit(loaded, bytesOf(packet), live.length), wanted);
      }
    }),
    { numRuns: 60 },
  );
  t.log(`${hits} hits`);
  t.true(hits > 50);
});
