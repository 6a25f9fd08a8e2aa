import {
  anyPrefix,
  type Family,
  familyOfText,
  formatPrefix,
  type Prefix,
  parsePrefix,
  prefixFault,
} from './address.ts';
import { integer, join, object, optional, type Reader, show } from './read.ts';
import { Refused } from './refused.ts';

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

export const readPort: Reader<number> = integer(1, 65535, 'BAD_PORT');

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
    throw new Refused('BAD_PREFIX', path, `expected an address or prefix, not ${show(value)}`);
  const prefix = parsePrefix(value);
  if (prefix !== undefined) return prefix;
  const fault = prefixFault(value);
  throw new Refused(fault.code, path, fault.message);
};

const readProto: Reader<Proto> = (value, path) => {
  if (typeof value === 'string' && Object.hasOwn(NUMBERS, value)) return value as keyof typeof NUMBERS;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255) {
    const number = (value as number) + 0;
    return protoOf(number);
  }
  throw new Refused('BAD_PROTO', path, `expected tcp, udp, icmp, icmp6 or 0 to 255, not ${show(value)}`);
};

const readWritten = object<Written>({
  in: optional(readInterface),
  src: optional(readPrefix),
  dst: optional(readPrefix),
  proto: optional(readProto),
  sport: optional(readPort),
  dport: optional(readPort),
});

export const readMatch: Reader<Match> = (value, path) => {
  const { src, dst, ...written } = readWritten(value, path);
  const family = src?.family ?? dst?.family;
  if (family === undefined) throw new Refused('NO_ADDRESS', path, 'src or dst must be given');
  if (dst !== undefined && dst.family !== family) {
    throw new Refused('MIXED_FAMILIES', path, 'src and dst must be of one address family');
  }
  checkProto(written, family, path);
  return Object.freeze({
    ...(written.in !== undefined && { in: written.in }),
    src: src === undefined ? anyPrefix(family) : formatPrefix(src),
    dst: dst === undefined ? anyPrefix(family) : formatPrefix(dst),
    ...(written.proto !== undefined && { proto: written.proto }),
    ...(written.sport !== undefined && { sport: written.sport }),
    ...(written.dport !== undefined && { dport: written.dport }),
  });
};

function checkProto({ proto, sport, dport }: Written, family: Family, path: string): void {
  if (proto === (family === 4 ? 'icmp6' : 'icmp')) {
    throw new Refused(
      'BAD_PROTO',
      join(path, 'proto'),
      `IPv${family} has ${family === 4 ? 'icmp' : 'icmp6'}, not ${proto}`,
    );
  }
  if (hasPorts(proto) || (sport === undefined && dport === undefined)) return;
  throw new Refused(
    'PORT_WITHOUT_PROTO',
    join(path, sport === undefined ? 'dport' : 'sport'),
    'needs proto tcp or udp',
  );
}
