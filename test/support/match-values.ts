/** What a match may say, field by field: the table of matches in docs/redirects.md, row by row. */
import type { Code } from '../../protocol/codes.ts';
import { type Match, protoNumber } from '../../protocol/match.ts';
import { frame, ICMP, ICMP6, icmp, ipv4, ipv6, TCP, tcp, UDP, udp } from './packets.ts';

/** What `apply` makes of it; `kept` is taken with `drop` and `pass`, and refused as NEVER_MATCHES with all else. */
export type Becomes = 'taken' | 'kept' | Code;

export interface ValueRow {
  /** The first cell of the row. */
  readonly says: string;
  readonly becomes: Becomes;
  /** Matches that are such. */
  readonly matches: readonly Readonly<Record<string, unknown>>[];
}

const [SRC4, SRC6] = ['198.51.100.7', '2001:db8:1::7'];
const [DST4, DST6] = ['203.0.113.10', '2001:db8:2::10'];
const ports = (...protos: readonly unknown[]) =>
  protos.flatMap((proto) => [
    { dst: DST4, proto, dport: 443 },
    { dst: DST6, proto, sport: 53 },
  ]);
const numbers = (dst: string, ...protos: readonly number[]) => protos.map((proto) => ({ dst, proto }));
const each = (field: 'src' | 'dst', ...prefixes: readonly string[]) => prefixes.map((prefix) => ({ [field]: prefix }));

export const VALUE_ROWS: readonly ValueRow[] = [
  {
    says: '`proto` 0, 43, 44, 51, 60, 135 in IPv6',
    becomes: 'NEVER_MATCHES',
    matches: numbers(DST6, 0, 43, 44, 51, 60, 135),
  },
  { says: '`proto` 0, 43, 44, 51, 60, 135 in IPv4', becomes: 'taken', matches: numbers(DST4, 0, 43, 44, 51, 60, 135) },
  {
    says: '`proto` 50, 59, 139, 140, 253, 254',
    becomes: 'taken',
    matches: [DST4, DST6].flatMap((dst) => numbers(dst, 50, 59, 139, 140, 253, 254)),
  },
  {
    says: '`proto` 1 in IPv6, 58 in IPv4',
    becomes: 'BAD_PROTO',
    matches: [...numbers(DST6, 1), ...numbers(DST4, 58), { src: SRC4, proto: 'icmp6' }, { src: SRC6, proto: 'icmp' }],
  },
  {
    says: '`proto` icmp, icmp6',
    becomes: 'taken',
    matches: [
      { dst: DST4, proto: 'icmp' },
      { dst: DST6, proto: 'icmp6' },
    ],
  },
  {
    says: '`proto`, any other number up to 255',
    becomes: 'taken',
    matches: [...numbers(DST4, 2, 255), ...numbers(DST6, 2, 255)],
  },
  { says: '`sport`, `dport` with tcp or udp', becomes: 'taken', matches: ports('tcp', 'udp', 6, 17) },
  {
    says: '`sport`, `dport` with anything else, or no `proto`',
    becomes: 'PORT_WITHOUT_PROTO',
    matches: [...ports(132, 33, 136, 50), { dst: DST4, dport: 443 }, { dst: DST6, proto: 'icmp6', sport: 1 }],
  },
  {
    says: '`sport`, `dport` 0',
    becomes: 'BAD_PORT',
    matches: [
      { dst: DST4, proto: 'udp', sport: 0 },
      { dst: DST6, proto: 'tcp', dport: 0 },
    ],
  },
  {
    says: '`src` in 0.0.0.0/8, 127.0.0.0/8, ::/127, 224.0.0.0/4, ff00::/8, or 255.255.255.255',
    becomes: 'kept',
    matches: [
      ...each('src', '0.0.0.0', '0.0.0.0/8', '127.0.0.1', '127.0.0.0/8', '::', '::1', '::/127'),
      ...each('src', '224.0.0.0/4', '239.1.2.3', '255.255.255.255', 'ff00::/8', 'ff02::1'),
      { src: '224.0.0.1', dst: DST4, proto: 'udp', dport: 53 },
    ],
  },
  {
    says: '`dst` in 0.0.0.0/8, 127.0.0.0/8, ::/127',
    becomes: 'kept',
    matches: [
      ...each('dst', '0.0.0.0', '0.0.0.0/8', '127.0.0.1', '127.1.0.0/16', '::', '::1', '::/127'),
      { src: SRC6, dst: '::1', proto: 'tcp', dport: 22 },
    ],
  },
  {
    says: '`dst` in 224.0.0.0/4, ff00::/8, or 255.255.255.255',
    becomes: 'NEVER_MATCHES',
    matches: [
      ...each('dst', '224.0.0.0/4', '224.0.0.251', '239.0.0.0/8', '255.255.255.255'),
      ...each('dst', 'ff00::/8', 'ff02::1', 'ff3e::/32'),
      { src: SRC6, dst: 'ff02::fb', proto: 'udp', dport: 5353 },
    ],
  },
  {
    says: '`src`, `dst` in ::ffff:0:0/96',
    becomes: 'MAPPED_ADDRESS',
    matches: [
      ...each('src', '::ffff:192.0.2.1', '::ffff:0:0/96'),
      ...each('dst', '::ffff:c000:201', '::ffff:10.0.0.0/104'),
    ],
  },
  {
    says: '`src`, `dst` in 169.254.0.0/16, fe80::/10, 240.0.0.0/4',
    becomes: 'taken',
    matches: [...each('src', '169.254.0.0/16', 'fe80::1', '240.0.0.0/4'), ...each('dst', '169.254.1.1', 'fe80::/10')],
  },
  {
    says: '`src`, `dst`, a prefix with any of these and more',
    becomes: 'taken',
    matches: [
      ...each('src', '0.0.0.0/0', '::/0', '0.0.0.0/7', '224.0.0.0/3', '::/126', 'fe00::/7'),
      ...each('dst', '0.0.0.0/0', '::/0', '126.0.0.0/7', '192.0.0.0/2', '255.255.255.254/31', '::/96', 'fc00::/6'),
    ],
  },
  {
    says: '`src` of one family, `dst` of the other',
    becomes: 'MIXED_FAMILIES',
    matches: [
      { src: SRC4, dst: DST6 },
      { src: '::/0', dst: DST4 },
    ],
  },
  {
    says: '`src`, `dst` with bits beyond the length',
    becomes: 'BAD_PREFIX',
    matches: [...each('src', '198.51.100.7/24'), ...each('dst', '2001:db8::1/64', '::1/0')],
  },
];

/** An Ethernet frame with a packet that a match means, of its first addresses. */
export function frameOf({ src, dst, proto, sport = 53, dport = 443 }: Match): Uint8Array {
  const six = src.includes(':');
  const number = proto === undefined ? UDP : protoNumber(proto);
  const addresses = { src: firstOf(src, SRC4, SRC6), dst: firstOf(dst, DST4, DST6) };
  const payload = payloadOf(number, sport, dport);
  return frame(six ? ipv6(payload, { ...addresses, next: number }) : ipv4(payload, { ...addresses, proto: number }));
}

function payloadOf(number: number, sport: number, dport: number): Uint8Array {
  if (number === TCP) return tcp(sport, dport);
  if (number === ICMP) return icmp(8);
  return number === ICMP6 ? icmp(128) : udp(sport, dport);
}

function firstOf(prefix: string, any4: string, any6: string): string {
  if (prefix === '0.0.0.0/0') return any4;
  return prefix === '::/0' ? any6 : prefix.slice(0, prefix.indexOf('/'));
}
