import {
  anyPrefix,
  type Family,
  familyOfText,
  formatPrefix,
  type Prefix,
  parsePrefix,
  prefixFault,
} from './address.ts';
import type { JsonObject } from './json.ts';
import { didYouMean, nearest } from './near.ts';
import {
  attempt,
  type Faults,
  integer,
  isMisspelt,
  join,
  optional,
  partly,
  type Reader,
  requireObject,
  show,
  whole,
} from './read.ts';
import { Refused } from './refused.ts';
import { ONE_EACH, portHint, prefixHint, protoHint as protocolHint } from './words.ts';

export type { Family } from './address.ts';

/** A protocol by name where it has one here (6 tcp, 17 udp, 1 icmp, 58 icmp6), else by number. */
export type Proto = 'tcp' | 'udp' | 'icmp' | 'icmp6' | number;

/**
 * Which packets a redirect means, in normal form: both prefixes present and canonical (host bits zero, always with
 * their length), one family, ports only with tcp or udp. An absent field stands for any.
 */
export interface Match {
  readonly in?: string;
  readonly src: string;
  readonly dst: string;
  readonly proto?: Proto;
  readonly sport?: number;
  readonly dport?: number;
}

const NUMBERS = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 } as const;
const NAMES: ReadonlyMap<number, keyof typeof NUMBERS> = new Map([
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [58, 'icmp6'],
]);

export function familyOf(match: Match): Family {
  return familyOfText(match.src);
}

/** The number of a protocol in the IP header. */
export function protoNumber(proto: Proto): number {
  return typeof proto === 'number' ? proto : NUMBERS[proto];
}

/** The normal form of a protocol number. */
export function protoOf(number: number): Proto {
  return NAMES.get(number) ?? number;
}

/** Tells whether a protocol has ports that Shunt can match and rewrite. */
export function hasPorts(proto: Proto | undefined): boolean {
  return proto === 'tcp' || proto === 'udp';
}

/** Reads a match as written by anybody into normal form. Errors: Refused. */
export function parseMatch(value: unknown, path = 'match'): Match {
  return readMatch(value, path);
}

/** An interface name as the kernel allows it (dev_valid_name in net/core/dev.c), in printable ASCII. */
export const readInterface: Reader<string> = (value, path) => {
  if (typeof value !== 'string' || !/^[\x21-\x7e]{1,15}$/.test(value) || /^\.\.?$|[/:]/.test(value)) {
    throw new Refused('BAD_INTERFACE', path, `expected an interface name of 1 to 15 characters, not ${show(value)}`);
  }
  return value;
};

const readPortNumber: Reader<number> = integer(1, 65535, 'BAD_PORT');
export const readPort: Reader<number> = (value, path) => {
  if (Array.isArray(value) || /^[0-9]+[-:,][0-9]+$/.test(String(value)))
    throw new Refused('BAD_PORT', path, `expected one port, not ${show(value)}${ONE_EACH}`);
  const hint = typeof value === 'string' ? portHint(value) : '';
  if (hint !== '') throw new Refused('BAD_PORT', path, `expected one port, not ${show(value)}${hint}`);
  return readPortNumber(value, path);
};

interface Written {
  readonly in?: string;
  readonly src?: Prefix;
  readonly dst?: Prefix;
  readonly proto?: Proto;
  readonly sport?: number;
  readonly dport?: number;
}

const readPrefix: Reader<Prefix> = (value, path) => {
  if (typeof value !== 'string')
    throw new Refused(
      'BAD_PREFIX',
      path,
      `expected an address or prefix, not ${show(value)}${Array.isArray(value) ? ONE_EACH : ''}`,
    );
  const prefix = parsePrefix(value);
  if (prefix !== undefined) return prefix;
  const fault = prefixFault(value);
  const hint = prefixHint(value, path.endsWith('src') ? 'sport' : 'dport');
  throw new Refused(fault.code, path, fault.message + hint);
};

const readProto: Reader<Proto> = (value, path) => {
  if (typeof value === 'string' && Object.hasOwn(NUMBERS, value)) return value as keyof typeof NUMBERS;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255) {
    const number = (value as number) + 0;
    return protoOf(number);
  }
  throw new Refused(
    'BAD_PROTO',
    path,
    `expected tcp, udp, icmp, icmp6 or 0 to 255, not ${show(value)}${protoHint(value)}`,
  );
};

function protoHint(value: unknown): string {
  if (Array.isArray(value)) return ONE_EACH;
  if (typeof value !== 'string') return '';
  if (/^[0-9]{1,3}$/.test(value)) return `; write ${value}`;
  const hint = protocolHint(value.toLowerCase());
  if (hint !== '') return hint;
  const plain = value.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const meant = ['icmpv6', 'ipv6icmp'].includes(plain) ? 'icmp6' : nearest(plain, Object.keys(NUMBERS));
  return meant === undefined ? '' : `; ${didYouMean(meant)}`;
}

const FIELDS = ['in', 'src', 'dst', 'proto', 'sport', 'dport'];

const readWritten = partly<Written>({
  in: optional(readInterface),
  src: optional(readPrefix),
  dst: optional(readPrefix),
  proto: optional(readProto),
  sport: optional(readPort),
  dport: optional(readPort),
});

export const readMatch: Reader<Match> = whole((value, path, faults) => {
  if (typeof value === 'string' && parsePrefix(value) !== undefined)
    throw new Refused('BAD_FIELD', path, `expected an object, not ${show(value)}; write { dst: ${value} }`);
  const written = readWritten(value, path, faults);
  const given = requireObject(value, path);
  const family = attempt(() => requireFamily(written, given, path, faults), faults);
  attempt(() => checkProto(written, family, path), faults);
  attempt(() => checkPorts(written, given, path, faults), faults);
  return family === undefined ? undefined : arrange(written, given, family);
});

function arrange({ src, dst, ...written }: Written, given: JsonObject, family: Family): Match {
  return Object.freeze({
    ...(written.in !== undefined && { in: written.in }),
    src: src === undefined ? anyPrefix(family) : textOf(src, given.src),
    dst: dst === undefined ? anyPrefix(family) : textOf(dst, given.dst),
    ...(written.proto !== undefined && { proto: written.proto }),
    ...(written.sport !== undefined && { sport: written.sport }),
    ...(written.dport !== undefined && { dport: written.dport }),
  });
}

/** The text that was given, where it is in normal form: very many of these stay, and what is put together keeps its parts. */
function textOf(prefix: Prefix, given: unknown): string {
  if (prefix.family === 4 && typeof given === 'string' && given.includes('/')) return given; // is read in normal form alone
  const text = formatPrefix(prefix);
  return text === given ? given : text;
}

/** The family of both prefixes; undefined where what is given could not be read. */
function requireFamily({ src, dst }: Written, given: JsonObject, path: string, faults?: Faults): Family | undefined {
  const misspelt = faults !== undefined && ['src', 'dst'].some((name) => isMisspelt(name, given, FIELDS));
  if (given.src === undefined && given.dst === undefined && !misspelt)
    throw new Refused('NO_ADDRESS', path, 'src or dst must be given');
  if (src !== undefined && dst !== undefined && dst.family !== src.family)
    throw new Refused('MIXED_FAMILIES', path, 'src and dst must be of one address family');
  return (src ?? dst)?.family;
}

function checkProto({ proto }: Written, family: Family | undefined, path: string): void {
  if (family === undefined || proto !== (family === 4 ? 'icmp6' : 'icmp')) return;
  throw new Refused(
    'BAD_PROTO',
    join(path, 'proto'),
    `IPv${family} has ${family === 4 ? 'icmp' : 'icmp6'}, not ${proto}`,
  );
}

/** A protocol that could not be read may be one that has ports. */
function checkPorts({ proto }: Written, given: JsonObject, path: string, faults?: Faults): void {
  const [port] = ['sport', 'dport'].filter((name) => given[name] !== undefined);
  if (port === undefined || hasPorts(proto) || (proto === undefined && given.proto !== undefined)) return;
  if (faults !== undefined && isMisspelt('proto', given, FIELDS)) return;
  throw new Refused('PORT_WITHOUT_PROTO', join(path, port), 'needs proto tcp or udp');
}
