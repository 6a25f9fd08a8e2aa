/** What the program reads out of a packet, and what it leaves unread: options, extension headers, fragments, stumps. */
import { kernelTests } from '../support/kernel.ts';
import {
  authentication,
  DESTINATION_OPTIONS,
  ESP,
  type Extension,
  extension,
  forwarded,
  fragmentHeader,
  frame,
  HOP_BY_HOP,
  ICMP6,
  icmp,
  ipv4,
  ipv6,
  MOBILITY,
  MORE_FRAGMENTS,
  NO_NEXT,
  ROUTING,
  tcp,
  UDP,
  udp,
} from '../support/packets.ts';
import { EGRESS_MAC, LoadedProgram, TARGET_MAC } from './loaded-program.ts';

const kernel = kernelTests();
const DST4 = '203.0.113.10';
const DST6 = '2001:db8:2::10';

/** Slots tell which of three shapes was hit: ports, protocol only, addresses only. */
const [PORTS, PROTO, ADDRESS] = [1, 2, 3];

function program(): LoadedProgram {
  const shapes = (dst: string) => [
    { match: { dst, proto: 'udp', dport: 443 }, slot: PORTS, mtu: 9000 },
    { match: { dst, proto: 'udp' }, slot: PROTO, mtu: 9000 },
    { match: { dst }, slot: ADDRESS, mtu: 9000 },
  ];
  return new LoadedProgram().install(...shapes(DST4), ...shapes(DST6));
}

/** Runs one packet and says what was known of it. */
function known(loaded: LoadedProgram, packet: Uint8Array): string {
  const slots = { ports: PORTS, proto: PROTO, address: ADDRESS };
  const before = Object.values(slots).map((slot) => loaded.counter(slot).packets);
  const { verdict } = loaded.run(frame(packet));
  if (verdict !== 'SENT') return verdict;
  const hit = Object.entries(slots).filter(([, slot], index) => loaded.counter(slot).packets !== before[index]);
  return hit.map(([name]) => name).join();
}

kernel('parse: IPv4 options are skipped by IHL', (t) => {
  using loaded = program();
  for (const words of [0, 1, 5, 10]) {
    t.is(known(loaded, ipv4(udp(), { options: new Uint8Array(words * 4).fill(1) })), 'ports', `${words} words`);
  }
});

kernel('parse: no IPv4 fragment has ports, the first included; its protocol is known', (t) => {
  using loaded = program();
  t.is(known(loaded, ipv4(udp())), 'ports');
  t.is(known(loaded, ipv4(udp(), { fragment: 0x4000 })), 'ports', "don't fragment");
  t.is(known(loaded, ipv4(udp(), { fragment: MORE_FRAGMENTS })), 'proto', 'first');
  t.is(known(loaded, ipv4(udp(), { fragment: MORE_FRAGMENTS | 1 })), 'proto', 'middle');
  t.is(known(loaded, ipv4(udp(), { fragment: 0x1fff })), 'proto', 'last');
});

kernel('parse: ports are those of the packet, never of the padding after it', (t) => {
  using loaded = program();
  t.is(known(loaded, ipv4(udp(), { totalLength: 24 })), 'ports');
  t.is(known(loaded, ipv4(udp(), { totalLength: 23 })), 'proto');
  t.is(known(loaded, ipv6(udp(), { payloadLength: 4 })), 'ports');
  t.is(known(loaded, ipv6(udp(), { payloadLength: 3 })), 'proto');
});

kernel('parse: the ports of another protocol than TCP and UDP are not ports', (t) => {
  using loaded = new LoadedProgram().install(
    { match: { dst: DST4, proto: 'tcp', dport: 443 }, slot: PORTS },
    { match: { dst: DST4 }, slot: ADDRESS },
  );
  t.is(known(loaded, ipv4(tcp(), { proto: 6 })), 'ports');
  t.is(known(loaded, ipv4(udp())), 'address', 'UDP to the same port');
  for (const proto of [33, 132, 136]) t.is(known(loaded, ipv4(udp(), { proto })), 'address', `protocol ${proto}`);
});

kernel('parse: known IPv6 extension headers are walked, of any length', (t) => {
  using loaded = program();
  const chains: Record<string, Extension[]> = {
    'hop-by-hop': [extension(HOP_BY_HOP)],
    'routing of 24 bytes': [extension(ROUTING, 24)],
    'destination options of 2048 bytes': [extension(DESTINATION_OPTIONS, 2048)],
    mobility: [extension(MOBILITY, 16)],
    'authentication of 12 bytes': [authentication(12)],
    'authentication of 24 bytes': [authentication(24)],
    'all of them': [
      extension(HOP_BY_HOP),
      extension(DESTINATION_OPTIONS, 16),
      extension(ROUTING, 40),
      authentication(28),
    ],
  };
  for (const [says, extensions] of Object.entries(chains)) {
    t.is(known(loaded, ipv6(udp(), { extensions })), 'ports', says);
  }
});

kernel('parse: six extension headers are walked, and a seventh leaves the protocol unknown', (t) => {
  using loaded = program();
  const chain = (length: number) => Array.from({ length }, () => extension(DESTINATION_OPTIONS));
  t.is(known(loaded, ipv6(udp(), { extensions: chain(6) })), 'ports');
  t.is(known(loaded, ipv6(udp(), { extensions: chain(7) })), 'address');
  t.is(known(loaded, ipv6(icmp(135), { next: ICMP6, extensions: chain(6) })), 'NEIGHBOUR');
});

kernel('parse: an extension header is no protocol that a shape can fix', (t) => {
  using loaded = new LoadedProgram().install({ match: { dst: DST6, proto: DESTINATION_OPTIONS }, slot: PROTO });
  const extensions = Array.from({ length: 7 }, () => extension(DESTINATION_OPTIONS));
  t.is(known(loaded, ipv6(udp(), { extensions })), 'NO_MATCH', 'the seventh');
  t.is(
    known(loaded, ipv6(udp(), { extensions: [fragmentHeader(1, true), extension(DESTINATION_OPTIONS)] })),
    'NO_MATCH',
  );
});

kernel('parse: an extension header that is cut off leaves the protocol unknown', (t) => {
  using loaded = program();
  const packet = (payloadLength: number) =>
    ipv6(udp(), { extensions: [extension(DESTINATION_OPTIONS, 24)], payloadLength });
  t.is(known(loaded, packet(40)), 'ports');
  t.is(known(loaded, packet(24)), 'proto', 'whole header, no UDP');
  t.is(known(loaded, packet(23)), 'address');
  t.is(known(loaded, packet(1)), 'address');
  t.is(known(loaded, packet(0)), 'address');
});

kernel('parse: what follows ESP or no next header is not looked at', (t) => {
  using loaded = program();
  t.is(known(loaded, ipv6(udp(), { next: ESP })), 'address');
  t.is(known(loaded, ipv6(udp(), { next: NO_NEXT })), 'address');
  t.is(known(loaded, ipv6(udp(), { next: 139 })), 'address', 'HIP');
});

kernel('parse: no IPv6 fragment of several has ports; its protocol is known where its header says it', (t) => {
  using loaded = program();
  const options = extension(DESTINATION_OPTIONS);
  const cases: [string, Extension[], string][] = [
    ['first', [fragmentHeader(0, true)], 'proto'],
    ['atomic: the whole packet', [fragmentHeader(0, false)], 'ports'],
    ['later', [fragmentHeader(1, true)], 'proto'],
    ['last', [fragmentHeader(0x1fff, false)], 'proto'],
    ['first, options before', [options, fragmentHeader(0, true)], 'proto'],
    ['first, options after', [fragmentHeader(0, true), options], 'proto'],
    ['later, options after, which are elsewhere', [fragmentHeader(9, true), options], 'address'],
  ];
  for (const [says, extensions, wanted] of cases) t.is(known(loaded, ipv6(udp(), { extensions })), wanted, says);
});

kernel('parse: the data of a later fragment is not taken for ICMPv6', (t) => {
  using loaded = program();
  const packet = (offset: number) => ipv6(icmp(135), { next: ICMP6, extensions: [fragmentHeader(offset, true)] });
  t.is(known(loaded, packet(0)), 'NEIGHBOUR');
  t.is(known(loaded, packet(1)), 'address');
});

kernel('parse: MLD behind a router alert never matches', (t) => {
  using loaded = program();
  t.is(known(loaded, ipv6(icmp(143), { next: ICMP6, extensions: [extension(HOP_BY_HOP)] })), 'NEIGHBOUR');
});

/**
 * A frame cut at every length: passes as it is when a length it names lies beyond its end, else behaves as the whole.
 * The kernel refuses test-runs below 14 bytes.
 */
const STUMPS: Record<string, Uint8Array> = {
  'IPv4 and UDP': frame(ipv4(udp())),
  'IPv4 with options': frame(ipv4(tcp(), { proto: 6, options: new Uint8Array(12).fill(1) })),
  'IPv4 in two tags': frame(ipv4(udp()), { tags: [0x88a8, 0x8100] }),
  'IPv6 and UDP': frame(ipv6(udp())),
  'IPv6 with extensions': frame(
    ipv6(udp(), {
      extensions: [extension(HOP_BY_HOP), authentication(24), fragmentHeader(0, true), extension(ROUTING, 16)],
    }),
  ),
};

for (const [says, whole] of Object.entries(STUMPS)) {
  kernel(`parse: ${says}, cut at every byte, is never sent`, (t) => {
    using loaded = program();
    for (let length = 14; length < whole.length; length++) {
      const stump = whole.subarray(0, length);
      const { xdp, verdict, data } = loaded.run(stump);
      t.deepEqual([xdp, verdict], ['PASS', 'MALFORMED'], `${length} bytes`);
      t.deepEqual(Buffer.from(data), Buffer.from(stump), `${length} bytes`);
    }
  });
}

kernel('parse: lengths that fit at every cut leave with the bytes that are there', (t) => {
  using loaded = program();
  const extensions = [extension(HOP_BY_HOP), authentication(24), fragmentHeader(0, true), extension(ROUTING, 16)];
  const packets = [
    (cut: number) => ipv4(udp().subarray(0, cut)),
    (cut: number) => ipv6(ipv6(udp(), { extensions, next: UDP }).subarray(40, 40 + cut), { next: HOP_BY_HOP }),
  ];
  for (const [packet, longest] of [[packets[0], 16] as const, [packets[1], 72] as const]) {
    for (let cut = 0; cut <= longest; cut++) {
      const bytes = frame(packet?.(cut) ?? new Uint8Array());
      const { xdp, data } = loaded.run(bytes);
      t.is(xdp, 'REDIRECT', `${cut} bytes`);
      t.deepEqual(Buffer.from(data), Buffer.from(forwarded(bytes, TARGET_MAC, EGRESS_MAC)), `${cut} bytes`);
    }
  }
});

kernel('parse: the checksum is right for every TTL and through its carries', (t) => {
  using loaded = program();
  for (let ttl = 2; ttl < 256; ttl++) {
    for (const options of [0, 1, 2, 3]) {
      const bytes = frame(ipv4(udp(), { ttl, options: Uint8Array.from([0xff, 0xff - options, ttl, 0xfe]) }));
      const { data } = loaded.run(bytes);
      t.deepEqual(Buffer.from(data), Buffer.from(forwarded(bytes, TARGET_MAC, EGRESS_MAC)), `TTL ${ttl}`);
    }
  }
});
