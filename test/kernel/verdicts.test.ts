/** Every verdict of bpf/abi_counts.h, by packets through the real program; a redirect's hits prove the check too. */

import { REDIRECTED } from '../../agent/answer/stats.ts';
import { PASS_REASONS, STRUCTS, VERDICTS, type Verdict } from '../../agent/kernel/abi.ts';
import { checkOf, LITTLE_ENDIAN } from '../../agent/kernel/check.ts';
import { encodeKey, encodeValue } from '../../agent/kernel/layout.ts';
import { encodeProtected } from '../../agent/kernel/protected.ts';
import { parseMatch } from '../../protocol/match.ts';
import { kernelTests } from '../support/kernel.ts';
import { forwarded, fragmentHeader, frame, ICMP6, icmp, ipv4, ipv6, udp } from '../support/packets.ts';
import { EGRESS_MAC, type Entry, INGRESS, LoadedProgram, type Ran, SEND, SLOTS, TARGET_MAC } from './loaded-program.ts';

const kernel = kernelTests();
const ETH_P_ARP = 0x0806;

const FAMILIES = [
  { name: 'IPv4', match: { dst: '203.0.113.10' }, packet: (ttl = 64) => ipv4(udp(), { ttl }), l3: 36 },
  { name: 'IPv6', match: { dst: '2001:db8:2::10' }, packet: (hops = 64) => ipv6(udp(), { hops }), l3: 56 },
] as const;

interface Case {
  readonly says: string;
  readonly entry?: Partial<Entry>;
  readonly ttl?: number;
  readonly tags?: readonly number[];
  readonly src?: string;
  readonly dst?: string;
  readonly xdp: Ran['xdp'];
  readonly verdict: Verdict;
}

const CASES: readonly Case[] = [
  { says: 'a send to another interface', xdp: 'REDIRECT', verdict: 'SENT' },
  { says: 'a send that keeps the TTL', entry: { keepTtl: true }, xdp: 'REDIRECT', verdict: 'SENT' },
  { says: 'a send with two hops left', ttl: 2, xdp: 'REDIRECT', verdict: 'SENT' },
  { says: 'a send out of the ingress interface', entry: { ifindex: INGRESS }, xdp: 'TX', verdict: 'SENT_BACK' },
  { says: 'a tagged send back', entry: { ifindex: INGRESS }, tags: [0x8100], xdp: 'TX', verdict: 'SENT_BACK' },
  {
    says: 'a doubly tagged send back',
    entry: { ifindex: INGRESS },
    tags: [0x88a8, 0x8100],
    xdp: 'TX',
    verdict: 'SENT_BACK',
  },
  { says: 'a drop', entry: { action: 'drop' }, xdp: 'DROP', verdict: 'DROPPED' },
  { says: 'a pass', entry: { action: 'pass' }, xdp: 'PASS', verdict: 'PASSED' },
  { says: 'the last hop', ttl: 1, xdp: 'PASS', verdict: 'TTL' },
  { says: 'no hop at all', ttl: 0, entry: { ifindex: INGRESS }, xdp: 'PASS', verdict: 'TTL' },
  { says: 'the last hop with the TTL kept', ttl: 1, entry: { keepTtl: true }, xdp: 'REDIRECT', verdict: 'SENT' },
  { says: 'a target that came as the source', src: TARGET_MAC, xdp: 'PASS', verdict: 'RETURNED' },
  {
    says: 'a drop of what came from its target',
    src: TARGET_MAC,
    entry: { action: 'drop' },
    xdp: 'DROP',
    verdict: 'DROPPED',
  },
  {
    says: 'a send back of what is on its way to its target',
    dst: TARGET_MAC,
    entry: { ifindex: INGRESS },
    xdp: 'PASS',
    verdict: 'OVERHEARD',
  },
  { says: 'a send to another interface under the same address', dst: TARGET_MAC, xdp: 'REDIRECT', verdict: 'SENT' },
  {
    says: 'a drop of what is on its way to its target',
    dst: TARGET_MAC,
    entry: { action: 'drop', ifindex: INGRESS },
    xdp: 'DROP',
    verdict: 'DROPPED',
  },
  { says: 'an egress that is no port', entry: { ifindex: 78 }, xdp: 'PASS', verdict: 'NO_PORT' },
  { says: 'a tagged frame for another interface', tags: [0x8100], xdp: 'PASS', verdict: 'VLAN' },
  { says: 'an expired entry', entry: { until: 1n }, xdp: 'PASS', verdict: 'EXPIRED' },
  { says: 'an entry that ends in a distant future', entry: { until: 2n ** 63n }, xdp: 'REDIRECT', verdict: 'SENT' },
  { says: 'a slot beyond the last', entry: { slot: SLOTS }, xdp: 'PASS', verdict: 'UNKNOWN_ACTION' },
  { says: 'an entry for somebody else', entry: { match: { dst: '192.0.2.1' } }, xdp: 'PASS', verdict: 'NO_MATCH' },
];

/** What is protected, of packets that go from port 40000 to 443. */
const PROTECTED: readonly (readonly [says: string, match: object, packet: 'whole' | 'fragment', verdict: Verdict])[] = [
  ['of the source address', { src: 'SRC' }, 'whole', 'PROTECTED'],
  ['of another source', { src: 'OTHER' }, 'whole', 'SENT'],
  ['of the destination', { dst: 'DST' }, 'whole', 'PROTECTED'],
  ['of both ports', { src: 'SRC', proto: 'udp', sport: 40000, dport: 443 }, 'whole', 'PROTECTED'],
  ['of another source port', { src: 'SRC', proto: 'udp', sport: 40001 }, 'whole', 'SENT'],
  ['of another destination port', { src: 'SRC', proto: 'udp', dport: 444 }, 'whole', 'SENT'],
  ['of another protocol', { src: 'SRC', proto: 'tcp' }, 'whole', 'SENT'],
  ['of other ports, and the packet is a fragment', { src: 'SRC', proto: 'udp', sport: 1 }, 'fragment', 'PROTECTED'],
  ['of another protocol, and the packet is a fragment', { src: 'SRC', proto: 'tcp', sport: 1 }, 'fragment', 'SENT'],
];
const ADDRESSES = {
  IPv4: { SRC: '198.51.100.7', OTHER: '198.51.100.6', DST: '203.0.113.10' },
  IPv6: { SRC: '2001:db8:1::7', OTHER: '2001:db8:1::6', DST: '2001:db8:2::10' },
} as const;
const FRAGMENTS = {
  IPv4: () => ipv4(udp(), { fragment: 0x2000 }),
  IPv6: () => ipv6(udp(), { extensions: [fragmentHeader(0, true)] }),
} as const;

const seen = new Set<Verdict>();

/** Runs and checks that what passes or drops is untouched, and what leaves is exactly the rewritten frame, counted as such. */
function judge(program: LoadedProgram, bytes: Uint8Array, keepTtl = false): Ran & { readonly right: boolean } {
  const ran = program.run(bytes);
  seen.add(ran.verdict);
  const leaves = ran.xdp === 'TX' || ran.xdp === 'REDIRECT';
  const wanted = leaves ? forwarded(bytes, TARGET_MAC, EGRESS_MAC, keepTtl) : bytes;
  return { ...ran, right: Buffer.compare(wanted, ran.data) === 0 && REDIRECTED.includes(ran.verdict) === leaves };
}

for (const family of FAMILIES) {
  for (const { says, entry = {}, ttl, tags = [], src, dst, xdp, verdict } of CASES) {
    kernel(`verdict: ${family.name}, ${says}, is ${verdict}`, (t) => {
      using program = new LoadedProgram();
      program.install({ match: family.match, ...entry });
      const bytes = frame(family.packet(ttl), {
        tags,
        ...(src !== undefined && { src }),
        ...(dst !== undefined && { dst }),
      });
      const ran = judge(program, bytes, entry.keepTtl);
      t.deepEqual([ran.xdp, ran.verdict], [xdp, verdict]);
      t.true(ran.right, Buffer.from(ran.data).toString('hex'));
      const counts = !['RETURNED', 'OVERHEARD', 'EXPIRED', 'PROTECTED', 'UNKNOWN_ACTION', 'NO_MATCH'].includes(verdict);
      t.is(program.counter(SEND.slot).packets, counts ? 1n : 0n);
      t.is(program.counter(SEND.slot).bytes, counts ? BigInt(bytes.length) : 0n);
      const passed = (PASS_REASONS as readonly Verdict[]).includes(verdict) && entry.slot !== SLOTS;
      t.deepEqual(program.passed(), passed ? { [verdict]: { [SEND.slot]: 1 } } : {}, 'by slot and reason');
    });
  }

  for (const [says, given, packet, verdict] of PROTECTED) {
    kernel(`verdict: ${family.name}, a hit of a guarded entry and a match ${says} is ${verdict}`, (t) => {
      using program = new LoadedProgram();
      const addresses: Readonly<Record<string, string>> = ADDRESSES[family.name];
      const named = Object.entries(given).map(([field, value]) => [field, addresses[value as string] ?? value]);
      program.setProtect(0, encodeProtected([parseMatch(Object.fromEntries(named))]));
      program.install({ match: family.match, guarded: true });
      const bytes = frame(packet === 'whole' ? family.packet() : FRAGMENTS[family.name]());
      const ran = judge(program, bytes);
      t.deepEqual([ran.verdict, ran.right], [verdict, true]);
      t.is(program.counter(SEND.slot).packets, verdict === 'SENT' ? 1n : 0n);
      program.install({ match: family.match });
      t.is(judge(program, bytes).verdict, 'SENT', 'of an entry that is not guarded nobody asks');
    });
  }

  kernel(`verdict: ${family.name}, one byte more than the MTU is TOO_BIG, the MTU itself is sent`, (t) => {
    using program = new LoadedProgram();
    program.install({ match: family.match, mtu: family.l3 });
    t.is(judge(program, frame(family.packet())).verdict, 'SENT');
    program.install({ match: family.match, mtu: family.l3 - 1 });
    const { verdict, right } = judge(program, frame(family.packet()));
    t.deepEqual([verdict, right], ['TOO_BIG', true]);
    t.deepEqual(program.passed(), { TOO_BIG: { [SEND.slot]: 1 } });
  });

  kernel(`verdict: ${family.name}, an action of the future is UNKNOWN_ACTION`, (t) => {
    using program = new LoadedProgram();
    program.install({ match: family.match });
    const key = encodeKey(parseMatch(family.match), 0);
    program.write(key, encodeFuture(key));
    const { verdict, right } = judge(program, frame(family.packet()));
    t.deepEqual([verdict, right], ['UNKNOWN_ACTION', true]);
    t.deepEqual(program.passed(), { UNKNOWN_ACTION: { [SEND.slot]: 1 } });
  });

  kernel(`verdict: ${family.name}, a value whose check does not fit is RACE after all looks`, (t) => {
    using program = new LoadedProgram();
    program.install({ match: family.match });
    const key = encodeKey(parseMatch(family.match), 0);
    const value = encodeValue(key, SEND);
    value[STRUCTS.value.dmac] = 0x04;
    program.write(key, value);
    const { verdict, right } = judge(program, frame(family.packet()));
    t.deepEqual([verdict, right], ['RACE', true]);
    t.is(program.counter(SEND.slot).packets, 0n);
  });

  kernel(`verdict: ${family.name}, bypass passes everything, and ends`, (t) => {
    using program = new LoadedProgram();
    program.install({ match: family.match });
    program.setBypass(true);
    const { xdp, verdict, right } = judge(program, frame(family.packet()));
    t.deepEqual([xdp, verdict, right], ['PASS', 'BYPASS', true]);
    program.setBypass(false);
    t.is(judge(program, frame(family.packet())).verdict, 'SENT');
  });

  kernel(`verdict: ${family.name}, a group bit in the destination MAC is GROUP`, (t) => {
    using program = new LoadedProgram();
    program.install({ match: family.match });
    for (const dst of ['ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '33:33:00:00:00:01']) {
      const { xdp, verdict, right } = judge(program, frame(family.packet(), { dst }));
      t.deepEqual([xdp, verdict, right], ['PASS', 'GROUP', true]);
    }
  });
}

kernel('verdict: what is not IP is NOT_IP, and so is a third tag', (t) => {
  using program = new LoadedProgram();
  program.install({ match: { dst: '0.0.0.0/0' } });
  t.is(judge(program, frame(new Uint8Array(28), { type: ETH_P_ARP })).verdict, 'NOT_IP');
  t.is(judge(program, frame(ipv4(udp()), { tags: [0x88a8, 0x8100, 0x8100] })).verdict, 'NOT_IP');
});

kernel('verdict: lengths that contradict one another are MALFORMED', (t) => {
  using program = new LoadedProgram();
  program.install({ match: { dst: '0.0.0.0/0' } }, { match: { dst: '::/0' } });
  const packets = {
    'IPv4 of another version': frame(ipv4(udp(), { version: 5 }), { type: 0x0800 }),
    'IPv4 header below 20 bytes': frame(ipv4(udp(), { headerWords: 4 })),
    'IPv4 header beyond the total length': frame(ipv4(udp(), { headerWords: 15, totalLength: 59 })),
    'IPv4 total length below the header': frame(ipv4(udp(), { totalLength: 19 })),
    'IPv4 total length beyond the frame': frame(ipv4(udp(), { totalLength: 37 })),
    'IPv6 of another version': frame(ipv6(udp(), { version: 7 }), { type: 0x86dd }),
    'IPv6 payload beyond the frame': frame(ipv6(udp(), { payloadLength: 17 })),
    'a tag without the rest': frame(new Uint8Array(1), { type: 0x8100 }),
  };
  for (const [says, bytes] of Object.entries(packets)) {
    const { xdp, verdict, right } = judge(program, bytes);
    t.deepEqual([xdp, verdict, right], ['PASS', 'MALFORMED', true], says);
  }
});

kernel('verdict: neighbour discovery and MLD never match, their neighbours in number do', (t) => {
  using program = new LoadedProgram();
  program.install({ match: { dst: '2001:db8:2::10' } });
  const verdict = (type: number) => judge(program, frame(ipv6(icmp(type), { next: ICMP6 }))).verdict;
  const types = Array.from({ length: 256 }, (_, type) => type);
  const never = types.filter((type) => verdict(type) === 'NEIGHBOUR');
  t.deepEqual(never, [130, 131, 132, 133, 134, 135, 136, 137, 143]);
});

kernel('verdict: every one of them was seen above', (t) => {
  t.deepEqual([...new Set(VERDICTS).difference(seen)], []);
});

/** A value with an action that this version does not know, and a check that fits. */
function encodeFuture(key: Uint8Array): Uint8Array {
  const value = encodeValue(key, SEND);
  value[STRUCTS.value.action] = 3;
  new DataView(value.buffer).setBigUint64(STRUCTS.value.check, checkOf(key, value), LITTLE_ENDIAN);
  return value;
}
