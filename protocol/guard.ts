import type { Action } from './action.ts';
import { anyPrefix, formatPrefix, maskPrefix, type Prefix, parseAddress, requirePrefix } from './address.ts';
import { keyOf, matchOfKey } from './key.ts';
import { type Family, familyOf, type Match } from './match.ts';
import { free, prefixesMeet } from './overlap.ts';
import { list, object, optional, pattern, prose, type Reader, readCount, readKey } from './read.ts';

/** Packets that come to a host and that no redirect may take: `name` says to whom they belong. */
export interface Protected {
  readonly name: string;
  readonly match: Match;
}

/** What a host lets redirects do. A list that is absent allows everything; prefixes are in normal form. */
export interface Guard {
  /** Within one of these a redirect's source has to lie. */
  readonly src?: readonly string[];
  readonly dst?: readonly string[];
  /** Within one of these has to lie where packets are sent to. */
  readonly targets?: readonly string[];
  readonly maxRedirects?: number;
  readonly protect: readonly Protected[];
}

/** A guard as its host reports it. */
export interface GuardStatus extends Omit<Guard, 'protect'> {
  readonly protect: readonly { readonly name: string; readonly key: string }[];
  /** What is wrong with the host's file since: the guard that it made before goes on. */
  readonly fault?: string;
}

/** By what a guard denies a redirect. */
export type Rule =
  | { readonly rule: 'src' | 'dst' | 'targets' | 'max-redirects' }
  | { readonly rule: 'protect'; readonly name: string; readonly key: string };

/** What a guard says of a redirect: of one that `overlaps`, protected packets pass, and all others go where it says. */
export type Judgement =
  | { readonly is: 'allowed' }
  | { readonly is: 'overlaps'; readonly with: readonly Protected[] }
  | { readonly is: 'denied'; readonly by: Rule };

/** The most matches that the program compares a packet with. */
export const MAX_PROTECTED = 16;
/** The most that a status names. */
const MAX_LISTED = 64;
/** The most prefixes of each list. */
export const MAX_GUARD_PREFIXES = 64;

const ALLOWED: Judgement = Object.freeze({ is: 'allowed' });

/** A redirect as guards look at it. */
export interface Subject {
  readonly match: Match;
  readonly src: Prefix;
  readonly dst: Prefix;
  readonly to: Action;
}

/** Its prefixes are read once somebody asks for them: most are told from one another by protocol and ports. */
class LazySubject implements Subject {
  readonly match: Match;
  readonly to: Action;
  #src: Prefix | undefined;
  #dst: Prefix | undefined;

  constructor(match: Match, to: Action) {
    this.match = match;
    this.to = to;
  }

  get src(): Prefix {
    this.#src ??= requirePrefix(this.match.src);
    return this.#src;
  }

  get dst(): Prefix {
    this.#dst ??= requirePrefix(this.match.dst);
    return this.#dst;
  }
}

export function subjectOf(match: Match, to: Action): Subject {
  return new LazySubject(match, to);
}

/** Makes the judge of a guard: the same on its host and where a change is previewed. */
export function makeJudge(guard: Guard): (subject: Subject) => Judgement {
  const within = { src: prefixesOf(guard.src), dst: prefixesOf(guard.dst), targets: prefixesOf(guard.targets) };
  const checked = toCompare(guard.protect, MAX_PROTECTED).map(({ match }) => subjectOf(match, 'pass'));
  const all = guard.protect.map((one) => {
    const at = subjectOf(one.match, 'pass');
    return { one, at, isChecked: checked.some((by) => holds(by, at)) };
  });
  const of = (family: Family) => all.filter(({ at }) => familyOf(at.match) === family);
  const whole = { 4: of(4), 6: of(6) };
  return (subject) => {
    for (const way of ['src', 'dst'] as const) {
      const allowed = within[way];
      if (allowed !== undefined && !isWithin(subject[way], allowed)) return denied({ rule: way });
    }
    if (!targetsWithin(subject.to, within.targets)) return denied({ rule: 'targets' });
    if (subject.to === 'pass') return ALLOWED;
    const met = whole[familyOf(subject.match)].filter(({ at }) => meets(at, subject));
    if (met.length === 0) return ALLOWED;
    const against = met.find(({ at, isChecked }) => holds(at, subject) || !isChecked);
    if (against !== undefined) return denied(ruleOf(against.one));
    return { is: 'overlaps', with: met.map(({ one }) => one) };
  };
}

function denied(by: Rule): Judgement {
  return { is: 'denied', by };
}

function ruleOf({ name, match }: Protected): Rule {
  return { rule: 'protect', name, key: keyOf(match) };
}

/** Says by what a guard denies, for people. */
export function ruleText(by: Rule): string {
  switch (by.rule) {
    case 'protect':
      return `it protects ${by.name}: ${by.key}`;
    case 'max-redirects':
      return 'it allows no more redirects than stand';
    case 'targets':
      return 'its targets do not include where this sends packets';
    default:
      return `its ${by.rule} does not include that of this redirect`;
  }
}

function prefixesOf(texts: readonly string[] | undefined): readonly Prefix[] | undefined {
  return texts?.map(requirePrefix);
}

/** Whether every address of a prefix lies in one of others. */
function isWithin(prefix: Prefix, allowed: readonly Prefix[]): boolean {
  return allowed.some((outer) => contains(outer, prefix));
}

function contains(outer: Prefix, inner: Prefix): boolean {
  return outer.family === inner.family && outer.len <= inner.len && prefixesMeet(outer, inner);
}

/** A MAC address names no address: who limits targets does not know where that leads. */
function targetsWithin(to: Action, allowed: readonly Prefix[] | undefined): boolean {
  if (allowed === undefined || typeof to === 'string') return true;
  const targets = addressesOf(to);
  return targets.length > 0 && targets.every((target) => isWithin(target, allowed));
}

function addressesOf(to: Exclude<Action, string>): readonly Prefix[] {
  if ('encap' in to) return [hostPrefix(to.remote)];
  if ('rewrite' in to)
    return [to.rewrite.dst, to.nexthop].flatMap((text) => (text === undefined ? [] : hostPrefix(text)));
  return 'nexthop' in to ? [hostPrefix(to.nexthop)] : [];
}

function hostPrefix(text: string): Prefix {
  const address = parseAddress(text);
  if (address === undefined) throw new TypeError(`${text} is no address`);
  return { ...address, len: address.bytes.length * 8 };
}

/** Of two of one family. */
function meets(a: Subject, b: Subject): boolean {
  return (
    free(a.match.proto, b.match.proto) &&
    free(a.match.sport, b.match.sport) &&
    free(a.match.dport, b.match.dport) &&
    meetIn('dst', a, b) &&
    meetIn('src', a, b)
  );
}

/** Nothing has to be read where one of them is any address. */
function meetIn(way: 'src' | 'dst', a: Subject, b: Subject): boolean {
  const any = anyPrefix(familyOf(a.match));
  return a.match[way] === any || b.match[way] === any || prefixesMeet(a[way], b[way]);
}

/** Whether every packet of the inner match is one of the outer, too. */
function holds(outer: Subject, inner: Subject): boolean {
  const fixes = (field: 'proto' | 'sport' | 'dport'): boolean =>
    outer.match[field] === undefined || outer.match[field] === inner.match[field];
  return (
    fixes('proto') &&
    fixes('sport') &&
    fixes('dport') &&
    contains(outer.src, inner.src) &&
    contains(outer.dst, inner.dst)
  );
}

/**
 * What the program compares packets with: as many matches as given, or where they are too many, those of one owner, protocol
 * and ports as one that holds them all, the largest such groups first. What has no room even then is left out, and redirects
 * that overlap it are denied.
 */
export function toCompare(all: readonly Protected[], room: number): readonly Protected[] {
  const groups = [...Map.groupBy(all, groupText).values()].sort((a, b) => b.length - a.length);
  let excess = all.length - room;
  const merged = new Map<Protected, Protected | undefined>();
  for (const group of groups) {
    const [first, ...others] = group;
    if (excess <= 0 || first === undefined || others.length === 0) break;
    merged.set(first, mergedOf(group));
    for (const one of others) merged.set(one, undefined);
    excess -= others.length;
  }
  const kept = all.flatMap((one) => (merged.has(one) ? (merged.get(one) ?? []) : one));
  return kept.slice(0, room);
}

function groupText({ name, match: { src: _src, dst: _dst, ...rest }, match }: Protected): string {
  return JSON.stringify([name, familyOf(match), rest.proto, rest.sport, rest.dport]);
}

function mergedOf(group: readonly Protected[]): Protected {
  const [{ name, match }] = group as [Protected];
  const common = (way: 'src' | 'dst') => formatPrefix(group.map((one) => requirePrefix(one.match[way])).reduce(widest));
  return { name, match: { ...match, src: common('src'), dst: common('dst') } };
}

/** The longest prefix that holds two others. */
function widest(a: Prefix, b: Prefix): Prefix {
  let len = Math.min(a.len, b.len);
  while (!prefixesMeet({ ...a, len }, { ...b, len })) len -= 1;
  return maskPrefix({ ...a, len });
}

/** A guard as its host reports it, with the first of a long protected set. */
export function guardStatus(guard: Guard, { fault }: Pick<GuardStatus, 'fault'> = {}): GuardStatus {
  const { protect, ...rest } = guard;
  return {
    ...rest,
    protect: protect.slice(0, MAX_LISTED).map(({ name, match }) => ({ name, key: keyOf(match) })),
    ...(fault !== undefined && { fault }),
  };
}

/** The guard that a host reports. */
export function guardOf({ protect, fault: _, ...rest }: GuardStatus): Guard {
  return { ...rest, protect: protect.map(({ name, key }) => ({ name, match: matchOfKey(key) })) };
}

/** Whose packets are protected. */
export const readProtectedName: Reader<string> = pattern(/^[a-z0-9][a-z0-9-]{0,31}$/, 'a name such as bus');

const readPrefixText: Reader<string> = (value, path) => {
  const prefix = typeof value === 'string' ? value : '';
  requirePrefix(prefix);
  return pattern(/^[0-9a-f.:]{2,39}\/[0-9]{1,3}$/, 'a prefix')(value, path);
};
const readPrefixes = list(readPrefixText, MAX_GUARD_PREFIXES);
const readMatchKey: Reader<string> = (value, path) => {
  const key = readKey(value, path);
  subjectOf(matchOfKey(key), 'pass');
  return key;
};

const readFields = object<GuardStatus>(
  {
    src: optional(readPrefixes),
    dst: optional(readPrefixes),
    targets: optional(readPrefixes),
    maxRedirects: optional(readCount),
    protect: list(
      object<GuardStatus['protect'][number]>({ name: readProtectedName, key: readMatchKey }, 'ignored'),
      MAX_LISTED,
    ),
    fault: optional(prose(1024)),
  },
  'ignored',
);

/** Reads it as far as it can be known: what a newer agent says otherwise must not cost it its status. */
export const readGuard: Reader<GuardStatus | null> = (value) => {
  try {
    return value === null ? null : readFields(value, '');
  } catch {
    return null;
  }
};
