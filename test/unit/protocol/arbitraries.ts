import fc from 'fast-check';
import type { Action } from '../../../protocol/action.ts';
import { formatAddress, isLinkLocal, isUnicastTarget, parseAddress } from '../../../protocol/address.ts';
import type { Change, Intent } from '../../../protocol/intent.ts';
import { keyOf } from '../../../protocol/key.ts';
import { familyOf, hasPorts, type Match, parseMatch } from '../../../protocol/match.ts';
import { MAX_TIME_MS } from '../../../protocol/read.ts';

/** Few distinct bytes, so that zero runs, equal prefixes and near misses are common. */
const byte = fc.oneof(fc.constantFrom(0, 1, 0xff, 0x80), fc.integer({ min: 0, max: 255 }));

export function bytes(family: 4 | 6): fc.Arbitrary<Uint8Array> {
  const length = family === 4 ? 4 : 16;
  return fc.array(byte, { minLength: length, maxLength: length }).map((list) => Uint8Array.from(list));
}

/** Addresses that the parser takes: IPv4-mapped ones are not among them. */
export function address(family: 4 | 6): fc.Arbitrary<string> {
  return bytes(family)
    .map(formatAddress)
    .filter((text) => parseAddress(text) !== undefined);
}

export function target(family: 4 | 6): fc.Arbitrary<string> {
  return address(family).filter((text) => {
    const parsed = parseAddress(text);
    return parsed !== undefined && isUnicastTarget(parsed) && !isLinkLocal(text);
  });
}

export function prefix(family: 4 | 6): fc.Arbitrary<string> {
  const bits = family === 4 ? 32 : 128;
  return fc
    .tuple(bytes(family), fc.oneof(fc.constantFrom(0, 8, 24, bits), fc.integer({ min: 0, max: bits })))
    .map(([raw, len]) => `${formatAddress(mask(raw, len))}/${len}`)
    .filter((text) => parseAddress(text.slice(0, text.indexOf('/'))) !== undefined);
}

function mask(raw: Uint8Array, len: number): Uint8Array {
  return raw.map((value, index) => {
    const kept = Math.min(8, Math.max(0, len - index * 8));
    return value & (0xff00 >> kept) & 0xff;
  });
}

const ifname = fc.constantFrom('eth0', 'eth0.100', 'veth-a', 'lo', 'any', 'in');
const ports = { sport: fc.integer({ min: 1, max: 65535 }), dport: fc.integer({ min: 1, max: 65535 }) };

export const match: fc.Arbitrary<Match> = fc.constantFrom(4 as const, 6 as const).chain((family) => {
  const addresses = { in: ifname, src: prefix(family), dst: prefix(family) };
  const plain = fc.record(
    { ...addresses, proto: fc.constantFrom(family === 4 ? 'icmp' : 'icmp6', 'udp', 0, 47, 255) },
    { requiredKeys: ['dst'] },
  );
  const withPorts = fc.record(
    { ...addresses, proto: fc.constantFrom('tcp', 'udp'), ...ports },
    { requiredKeys: ['src', 'proto'] },
  );
  return fc.oneof(plain, withPorts).map((value) => parseMatch(value));
});

const mac = fc.array(byte, { minLength: 5, maxLength: 5 }).map((rest) => {
  return [2, ...rest].map((value) => value.toString(16).padStart(2, '0')).join(':');
});

export function action(of: Match): fc.Arbitrary<Action> {
  const to = target(familyOf(of));
  const ttl = fc.constant('keep' as const);
  const rewrite = hasPorts(of.proto)
    ? fc.record({ dst: to, dport: ports.dport }, { requiredKeys: ['dport'] })
    : fc.record({ dst: to });
  return fc.oneof(
    fc.constantFrom('drop' as const, 'pass' as const),
    fc.record({ interface: ifname, mac, ttl }, { requiredKeys: ['interface', 'mac'] }),
    fc.record({ nexthop: to, interface: ifname, ttl }, { requiredKeys: ['nexthop'] }),
    fc.record(
      { encap: fc.constant('ipip' as const), remote: to, local: to, ttl },
      { requiredKeys: ['encap', 'remote'] },
    ),
    fc.record(
      { rewrite, reply: fc.constantFrom('auto' as const, 'none' as const), nexthop: to, ttl },
      { requiredKeys: ['rewrite', 'reply'] },
    ),
  );
}

const words = fc.stringMatching(/^[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?$/);
const milliseconds = fc.integer({ min: 1000, max: 86_400_000 });

export const intent: fc.Arbitrary<Intent> = match.chain((of) =>
  fc.record(
    {
      key: fc.constant(keyOf(of)),
      rev: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      name: words,
      match: fc.constant(of),
      to: action(of),
      idle: fc.record({ afterMs: milliseconds, rearm: fc.constantFrom('revision' as const, 'never' as const) }),
      expires: fc.integer({ min: 0, max: MAX_TIME_MS }),
      confirm: fc.record({ withinMs: milliseconds }),
    },
    { requiredKeys: ['key', 'rev', 'name', 'match', 'to'] },
  ),
);

const change: fc.Arbitrary<Change> = fc.oneof(
  intent.map((value) => ({ op: 'put' as const, ...value })),
  intent.map(({ key, rev }) => ({ op: 'delete' as const, rev, key })),
);

/** Changes with distinct keys and the revisions 1 to n, as a log would give them. */
export const changes: fc.Arbitrary<readonly Change[]> = fc
  .uniqueArray(change, { selector: ({ key }) => key, maxLength: 6 })
  .map((list) => list.map((item, index) => ({ ...item, rev: index + 1 })));
