import {
  type Address,
  addressFault,
  familyOfText,
  formatAddress,
  isLinkLocal,
  isUnicastTarget,
  parseAddress,
} from './address.ts';
import { familyOf, hasPorts, type Match, readInterface, readPort } from './match.ts';
import { didYouMean, nearest } from './near.ts';
import {
  type Faults,
  isMisspelt,
  join,
  object,
  oneOf,
  optional,
  type Reader,
  refuseUnknown,
  requireObject,
  show,
  whole,
} from './read.ts';
import { Refused } from './refused.ts';
import { addressHint, macHint } from './words.ts';

/** What happens to the packets of a match. */
export type Action = 'drop' | 'pass' | ToInterface | ToNexthop | Encap | Rewrite;

export interface ToInterface {
  readonly interface: string;
  readonly mac: string;
  readonly ttl?: 'keep';
}

export interface ToNexthop {
  readonly nexthop: string;
  readonly interface?: string;
  readonly ttl?: 'keep';
}

export interface Encap {
  readonly encap: 'ipip';
  readonly remote: string;
  readonly local?: string;
  readonly ttl?: 'keep';
}

export interface Rewrite {
  readonly rewrite: { readonly dst?: string; readonly dport?: number };
  readonly reply: 'auto' | 'none';
  readonly nexthop?: string;
  readonly ttl?: 'keep';
}

export type ActionKind = 'drop' | 'pass' | 'interface' | 'nexthop' | 'encap' | 'rewrite';

export function actionKind(action: Action): ActionKind {
  if (typeof action === 'string') return action;
  if ('encap' in action) return 'encap';
  if ('rewrite' in action) return 'rewrite';
  return 'mac' in action ? 'interface' : 'nexthop';
}

/** Reads an action for the packets of `match`, which decides the address family. Errors: Refused. */
export function parseAction(value: unknown, match: Match, path = 'to', faults?: Faults): Action {
  const action = readAction(value, path, faults);
  checkAction(action, match, path);
  return action;
}

/** Makes a reader as `parseAction` for very many of which few differ: each of those is read once, and kept once. */
export function manyActions(): (value: unknown, match: Match) => Action {
  const known = new Map<string, Action>();
  return (value, match) => {
    const text = JSON.stringify(value);
    const action = known.get(text);
    if (action === undefined) {
      const read = parseAction(value, match);
      known.set(text, read);
      return read;
    }
    checkAction(action, match, 'to');
    return action;
  };
}

/** Copies an action with its fields in canonical order, for encoding. */
export function arrangeAction(action: Action): unknown {
  if (typeof action === 'string') return action;
  if ('encap' in action) {
    return { encap: action.encap, remote: action.remote, local: action.local, ttl: action.ttl };
  }
  if ('rewrite' in action) {
    const rewrite = { dst: action.rewrite.dst, dport: action.rewrite.dport };
    return { rewrite, reply: action.reply, nexthop: action.nexthop, ttl: action.ttl };
  }
  if ('mac' in action) return { interface: action.interface, mac: action.mac, ttl: action.ttl };
  return { nexthop: action.nexthop, interface: action.interface, ttl: action.ttl };
}

const readMac: Reader<string> = (value, path) => {
  if (typeof value !== 'string' || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(value)) {
    const hint = typeof value === 'string' ? macHint(value) : '';
    throw new Refused('BAD_MAC', path, `expected a MAC address such as 02:00:00:00:00:01, not ${show(value)}${hint}`);
  }
  const mac = value.toLowerCase();
  if ((Number.parseInt(mac.slice(0, 2), 16) & 1) === 1) throw new Refused('BAD_MAC', path, `${mac} is a group address`);
  if (mac === '00:00:00:00:00:00') throw new Refused('BAD_MAC', path, 'the zero address is no station');
  return mac;
};

const readTarget: Reader<string> = (value, path) => formatAddress(requireTarget(value, path).bytes);

function requireTarget(value: unknown, path: string): Address {
  if (typeof value !== 'string') throw new Refused('BAD_ADDRESS', path, `expected one address, not ${show(value)}`);
  const address = parseAddress(value);
  if (address === undefined) {
    const fault = addressFault(value);
    throw new Refused(fault.code, path, fault.message + addressHint(value));
  }
  if (isUnicastTarget(address)) return address;
  throw new Refused('BAD_TARGET', path, `${value} is unspecified, loopback, multicast or broadcast`);
}

const ttl = optional(oneOf('keep'));

const readToInterface = object<ToInterface>({ interface: readInterface, mac: readMac, ttl });
const readToNexthop = object<ToNexthop>({ nexthop: readTarget, interface: optional(readInterface), ttl });
const readEncap = object<Encap>({ encap: oneOf('ipip'), remote: readTarget, local: optional(readTarget), ttl });
const readRewrite = object<Rewrite>({
  rewrite: object<Rewrite['rewrite']>({ dst: optional(readTarget), dport: optional(readPort) }),
  reply: oneOf('auto', 'none'),
  nexthop: optional(readTarget),
  ttl,
});

const FIELDS = ['nexthop', 'interface', 'mac', 'encap', 'remote', 'local', 'rewrite', 'reply', 'ttl'];
/** Fields that decide what an action is; only `nexthop` may stand beside another, as an option of `rewrite`. */
const DECIDING = ['rewrite', 'encap', 'mac', 'nexthop'] as const;

export const readAction: Reader<Action> = whole<Action>((value, path, faults) => {
  if (value === 'drop' || value === 'pass') return value;
  if (typeof value === 'string')
    throw new Refused('BAD_ACTION', path, `expected drop, pass or an object, not ${show(value)}${wordHint(value)}`);
  const given = requireObject(value, path);
  refuseUnknown(given, FIELDS, path, faults);
  const [kind, other] = DECIDING.filter((field) => given[field] !== undefined);
  if (other !== undefined && !(kind === 'rewrite' && other === 'nexthop')) {
    throw new Refused('BAD_ACTION', path, `${kind} and ${other} exclude one another`);
  }
  if (kind === 'rewrite') return readRewrite(given, path, faults);
  if (kind === 'encap') return readEncap(given, path, faults);
  if (kind === 'mac') return readToInterface(given, path, faults);
  if (kind === 'nexthop') return readToNexthop(given, path, faults);
  if (faults !== undefined && DECIDING.some((field) => isMisspelt(field, given, FIELDS))) return undefined;
  throw new Refused('BAD_ACTION', path, 'needs nexthop, or interface and mac, or is drop or pass');
});

/** What other firewalls call the two actions that are words. */
const ACTION_WORDS: Readonly<Record<string, string>> = {
  drop: 'deny block discard blackhole',
  pass: 'accept allow permit none continue',
};

function wordHint(text: string): string {
  if (parseAddress(text) !== undefined) return `; write { nexthop: ${text} }`;
  const word = text.toLowerCase();
  if (/^(icmp-)?reject|^refuse$/.test(word)) return '; nothing is answered here: write drop';
  const meant = ['drop', 'pass'].find((action) => ACTION_WORDS[action]?.split(' ').includes(word));
  const near = meant ?? nearest(word, ['drop', 'pass']);
  return near === undefined ? '' : `; ${didYouMean(near)}`;
}

/** Checks what an action may say only beside its match: family of its addresses, ports, a link for link-local ones. */
function checkAction(action: Action, match: Match, path: string): void {
  if (typeof action === 'string') return;
  if ('encap' in action) {
    checkTarget(action.remote, match, join(path, 'remote'));
    checkTarget(action.local, match, join(path, 'local'));
  } else if ('rewrite' in action) {
    checkTarget(action.rewrite.dst, match, join(path, 'rewrite.dst'));
    checkTarget(action.nexthop, match, join(path, 'nexthop'));
    checkRewrite(action.rewrite, match, join(path, 'rewrite'));
  } else if ('nexthop' in action) {
    checkTarget(action.nexthop, match, join(path, 'nexthop'), action.interface);
  }
}

function checkTarget(target: string | undefined, match: Match, path: string, link?: string): void {
  if (target === undefined) return;
  const family = familyOf(match);
  if (familyOfText(target) !== family)
    throw new Refused('MIXED_FAMILIES', path, `the match is IPv${family}, ${target} is not`);
  if (link === undefined && isLinkLocal(target)) {
    throw new Refused('BAD_TARGET', path, `${target} is link-local and needs an interface`);
  }
}

function checkRewrite({ dst, dport }: Rewrite['rewrite'], match: Match, path: string): void {
  if (dst === undefined && dport === undefined) throw new Refused('BAD_ACTION', path, 'needs dst or dport');
  if (dport === undefined || hasPorts(match.proto)) return;
  throw new Refused('PORT_WITHOUT_PROTO', join(path, 'dport'), 'needs a match with proto tcp or udp');
}
