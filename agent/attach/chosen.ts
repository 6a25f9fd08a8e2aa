import type { NetLink } from '../../native/index.ts';
import { LIMITS } from '../kernel/abi.ts';
import { AttachError } from './attach-error.ts';

/** What is to have the program. */
export interface Wanted {
  /** Names as they are, and patterns of names: `*`, `?` and `[a-z]` as in a shell. */
  readonly interfaces: readonly string[];
  /** Every Ethernet interface. */
  readonly allEthernet: boolean;
}

/** An interface that a pattern means, and that is left alone. */
export interface Skipped {
  readonly name: string;
  readonly why: string;
}

/** Which of the interfaces that are there are meant. */
export interface Chosen {
  /** Those named as they are come first, in the order in which they were. */
  readonly names: readonly string[];
  readonly skipped: readonly Skipped[];
  /** Names and patterns that mean nothing that is there. */
  readonly waiting: readonly string[];
}

type Link = Pick<NetLink, 'name' | 'ifindex' | 'flags' | 'type' | 'kind' | 'master' | 'xdpMode' | 'xdpProgramId'>;

/** So many interfaces may have the program: zone 0 is any interface. */
export const MOST = LIMITS.ZONES_MAX - 1;
const ALL_ETHERNET = '--all-ethernet';
const IFF_LOOPBACK = 0x8;
const ARPHRD_ETHER = 1;
/** What becomes of packets that come in by a device which has a master of this kind: they are the master's. */
const MASTERS: Readonly<Record<string, string>> = {
  bridge: 'a port of the bridge',
  openvswitch: 'a port of the switch',
  bond: 'a member of the bond',
  team: 'a member of the team',
};

export function isPattern(name: string): boolean {
  return /[*?[]/.test(name);
}

/** The names that are no patterns. */
export function exactOf({ interfaces }: Wanted): readonly string[] {
  return [...new Set(interfaces)].filter((name) => !isPattern(name));
}

/** Whether a name is meant, by itself or by a pattern, whatever device has it. */
export function isMeant({ interfaces, allEthernet }: Wanted, name: string): boolean {
  return allEthernet || interfaces.some((one) => one === name || (isPattern(one) && matches(one, name)));
}

/** Chooses among the links; `held` are the ifindexes of those that have the program already. */
export function choose(wanted: Wanted, links: readonly Link[], held: ReadonlySet<number>): Chosen {
  const exact = exactOf(wanted);
  const patterns = [...wanted.interfaces.filter(isPattern), ...(wanted.allEthernet ? [ALL_ETHERNET] : [])];
  const others = links.filter(({ name }) => !exact.includes(name) && isMeant(wanted, name));
  const judged = others.map((link) => ({ name: link.name, why: whyNot(link, links, held) }));
  const taken = judged.filter(({ why }) => why === undefined).map(({ name }) => name);
  const present = exact.filter((name) => links.some((link) => link.name === name));
  const isIdle = (pattern: string): boolean =>
    ![...taken, ...present].some((name) => pattern === ALL_ETHERNET || matches(pattern, name));
  return {
    names: [...present, ...taken],
    skipped: judged.flatMap(({ name, why }) => (why === undefined ? [] : [{ name, why }])),
    waiting: [...exact.filter((name) => !present.includes(name)), ...patterns.filter(isIdle)],
  };
}

/** Refuses more than have room; `attached` have the program already. Errors: AttachError, with the list. */
export function requireRoom(names: readonly string[], attached: readonly string[]): void {
  const all = [...new Set([...names, ...attached])];
  if (all.length <= MOST) return;
  throw new AttachError(
    `${all.length} interfaces would have the program, and there is room for ${MOST}: ${all.join(', ')}; ` +
      'nothing was attached; name fewer, or by a narrower pattern',
  );
}

/** Why an interface that only a pattern means is left alone; undefined where it is not. */
function whyNot(link: Link, links: readonly Link[], held: ReadonlySet<number>): string | undefined {
  if ((link.flags & IFF_LOOPBACK) !== 0) return 'it is the loopback: nothing comes in by it from outside';
  if (link.type !== ARPHRD_ETHER) return `it is no Ethernet${link.kind === null ? '' : ` (${link.kind})`}`;
  if (link.kind === 'tun') return 'it is a tap: a program, such as a virtual machine, is at its other end';
  const master = links.find(({ ifindex }) => ifindex === link.master);
  const part = MASTERS[master?.kind ?? ''];
  if (master !== undefined && part !== undefined) return `it is ${part} ${master.name}`;
  const isForeign = link.xdpMode !== 0 && !held.has(link.ifindex);
  return isForeign ? `it carries another XDP program (id ${link.xdpProgramId}), which Shunt never replaces` : undefined;
}

function matches(pattern: string, name: string): boolean {
  return new RegExp(`^${pattern.replaceAll(/\[[!^]?[^\]]+\]|./g, expression)}$`).test(name);
}

/** Of one part of a pattern: a class, a star, a question mark, or a character that stands for itself. */
function expression(part: string): string {
  if (part === '*') return '.*';
  if (part === '?') return '.';
  if (part.length === 1) return part.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');
  return `[${part.slice(1, -1).replace(/^!/, '^').replaceAll('\\', '\\\\').replaceAll('[', '\\[')}]`;
}
