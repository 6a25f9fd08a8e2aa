import { type Action, arrangeAction, parseAction, readAction } from './action.ts';
import type { AnyCode } from './codes.ts';
import { type Labels, readHost, readWantedLabels } from './host.ts';
import { type Idle, readAfter, readName, readRearm } from './intent.ts';
import { isObject, type JsonObject } from './json.ts';
import { type Match, readMatch } from './match.ts';
import { requireMatchable } from './matchable.ts';
import { nearest } from './near.ts';
import {
  attempt,
  type Faults,
  hinted,
  integer,
  join,
  list,
  object,
  optional,
  partly,
  prose,
  type Reader,
  readBoolean,
  readTime,
  refuseUnknown,
  show,
  whole,
} from './read.ts';
import { Refused } from './refused.ts';
import { readInstant } from './times.ts';
import { hostHint } from './words.ts';

/** Which hosts a redirect is for: every one, those listed, or those that carry all the labels. */
export type Selector = 'all' | readonly string[] | Labels;

/**
 * A redirect as the operator means it, normalised: defaults filled in, lists sorted. `expires` is in ms since 1970;
 * `description` is for people alone, and no host is sent it.
 */
export interface Spec {
  readonly name: string;
  readonly hosts: Selector;
  readonly enabled: boolean;
  readonly match: Match;
  readonly to: Action;
  readonly idle?: Idle;
  readonly expires?: number;
  readonly priority: number;
  readonly description?: string;
}

/** What is wrong with a spec; `path` is the field within it. */
export interface Fault {
  readonly code: AnyCode;
  readonly path: string;
  readonly message: string;
}

/** One reason why an upload is refused: `index` is the spec's place in it. */
export interface Problem extends Fault {
  readonly index: number;
  readonly name?: string;
}

/** The most host ids that one selector lists. */
const MAX_LISTED_HOSTS = 4096;
const MAX_PRIORITY = 1_000_000;
const MAX_DESCRIPTION = 256;
/** The most words of a text that a hint puts in order. */
const MAX_HINTED = 4;

const readListedHosts = list(hinted(readHost, hostHint), MAX_LISTED_HOSTS);

const readSelector: Reader<Selector> = (value, path, faults) => {
  if (value === 'all') return value;
  if (Array.isArray(value) && value.length > 0) {
    return Object.freeze([...new Set(readListedHosts(value, path, faults))].sort());
  }
  if (isObject(value) && Object.keys(value).length > 0) return readWantedLabels(value, path, faults);
  const hint = typeof value === 'string' ? selectorHint(value) : '';
  throw new Refused('BAD_SELECTOR', path, `expected all, a list of host ids or labels, not ${describe(value)}${hint}`);
};

/** What one word where a selector belongs was probably meant to be. */
function selectorHint(text: string): string {
  if (text === '*' || text.toLowerCase() === 'any' || nearest(text, ['all']) !== undefined) return '; write all';
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  const labels = words.map((word) => /^([\w.-]+)[=:]([\w.-]+)$/.exec(word));
  if (words.length === 0 || words.length > MAX_HINTED) return '';
  if (labels.every((label) => label !== null))
    return `; write { ${labels.map(([, key, label]) => `${key}: ${label}`).join(', ')} }`;
  return words.every(isHost) ? `; write [${words.join(', ')}]` : hostHint(text);
}

function isHost(word: string): boolean {
  return attempt(() => readHost(word, ''), new Map()) !== undefined;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an empty list';
  return isObject(value) ? 'empty labels' : show(value);
}

interface WrittenIdle {
  readonly after: number;
  readonly rearm?: Idle['rearm'];
}

const readWrittenIdle = object<WrittenIdle>({
  after: readAfter,
  rearm: optional(readRearm),
});

const readIdle: Reader<Idle> = (value, path, faults) => {
  if (typeof value !== 'object')
    throw new Refused('BAD_FIELD', path, `expected an object, not ${show(value)}; write { after: 10m }`);
  const { after, rearm = 'revision' } = readWrittenIdle(value, path, faults);
  return Object.freeze({ afterMs: after, rearm });
};

/** Reads text for people: on one line, without what commands a terminal. */
const readDescription: Reader<string> = (value, path) => {
  const line = prose(Number.POSITIVE_INFINITY)(value, path).replaceAll(/\s+/gu, ' ').trim();
  if (line !== '' && line.length <= MAX_DESCRIPTION) return line;
  throw new Refused('BAD_FIELD', path, `expected text of 1 to ${MAX_DESCRIPTION} characters, not ${line.length}`);
};

interface Written {
  readonly name: string;
  readonly hosts: Selector;
  readonly enabled?: boolean;
  readonly match: Match;
  readonly to: unknown;
  readonly idle?: Idle;
  readonly expires?: number;
  readonly priority?: number;
  readonly description?: string;
}

const readWritten = partly<Written>({
  name: readName,
  hosts: readSelector,
  enabled: optional(readBoolean),
  match: readMatch,
  to: (value) => value, // judged beside the match, below
  idle: optional(readIdle),
  expires: optional((value, path) => readTime(readInstant(value, path), path)),
  priority: optional(integer(-MAX_PRIORITY, MAX_PRIORITY)),
  description: optional(readDescription),
});

/** Makes the reader of a spec: as an operator writes it, or as it may have been stored by an earlier release. */
const readerOf = (from: 'operator' | 'store'): Reader<Spec> =>
  whole((value, path, faults) => {
    const {
      name,
      hosts,
      enabled = true,
      match,
      idle,
      expires,
      priority = 0,
      description,
      ...written
    } = readWritten(value, path, faults);
    const to = attempt(() => readTo(written.to, match, join(path, 'to'), faults), faults);
    if (from === 'operator' && match !== undefined) requireMatchable(match, to, join(path, 'match'), faults);
    if (name === undefined || hosts === undefined || match === undefined || to === undefined) return undefined;
    return Object.freeze({
      name,
      hosts,
      enabled,
      match,
      to,
      ...(idle !== undefined && { idle }),
      ...(expires !== undefined && { expires }),
      priority,
      ...(description !== undefined && { description }),
    });
  });

const readSpec = readerOf('operator');
const readStoredSpec = readerOf('store');

/** What `to` may say; that what an encap or a rewrite has besides is not offered either, needs no saying. */
const OFFERED = ['nexthop', 'interface', 'mac', 'ttl'];
const NOT_OFFERED: Readonly<Record<'encap' | 'rewrite', readonly string[]>> = {
  encap: ['encap', 'remote', 'local', 'tunnel', 'encapsulation', 'gre', 'vxlan', 'ipip', 'geneve'],
  rewrite: ['rewrite', 'reply', 'nat', 'dnat', 'snat', 'masquerade'],
};

/** Judges the action beside its match, or for itself where there is none that could be read. */
function readTo(value: unknown, match: Match | undefined, path: string, faults?: Faults): Action | undefined {
  if (value === undefined) return undefined;
  const before = faults?.size ?? 0;
  if (isObject(value)) requireOffered(value, path, faults);
  const sound = (faults?.size ?? 0) === before;
  if (match !== undefined && sound) return parseAction(value, match, path, faults);
  const to = attempt(() => readAction(value, path, faults), faults);
  return sound ? to : undefined;
}

/** Refuses the actions that the wire knows and no agent does yet, before anything that they would need. */
function requireOffered(to: JsonObject, path: string, faults?: Faults): void {
  const kind = (['encap', 'rewrite'] as const).find((one) => NOT_OFFERED[one].some((field) => to[field] !== undefined));
  if (kind !== undefined) {
    const message = `${kind} is not offered by this version; use nexthop, or interface and mac`;
    throw new Refused('NOT_SUPPORTED', path, message);
  }
  refuseUnknown(to, OFFERED, path, faults);
}

/** Reads a spec as written by an operator. Errors: Refused with a path such as `match.src`. */
export function parseSpec(value: unknown): Spec {
  return readSpec(value, '');
}

/** Reads a spec as `specToJson` made it, also one that an earlier release took and `parseSpec` refuses. Errors: Refused. */
export function parseStoredSpec(value: unknown): Spec {
  return readStoredSpec(value, '');
}

/** Why `parseSpec` refuses what is stored, undefined when it does not. */
export function faultOf(stored: unknown): Fault | undefined {
  const [fault] = judgeSpec(stored).faults;
  return fault && { code: fault.code, path: fault.path, message: fault.reason };
}

/** Reads a spec as written by an operator, or says all that is wrong with it. */
export function judgeSpec(value: unknown): { readonly spec: Spec | undefined; readonly faults: readonly Refused[] } {
  const faults: Faults = new Map();
  const spec = attempt(() => readSpec(value, '', faults), faults);
  return { spec, faults: [...faults.values()] };
}

/** Says what of a spec is refused, as it is told to the operator: `index` is its place in the upload. */
export function problemOf(refused: Refused, index: number, value: unknown): Problem {
  const name = nameOf(value);
  return {
    index,
    ...(name !== undefined && { name }),
    code: refused.code,
    path: refused.path,
    message: refused.reason,
  };
}

/** The name of what may be no spec, as far as it has one. */
export function nameOf(value: unknown): string | undefined {
  return isObject(value) && typeof value.name === 'string' ? value.name.slice(0, 63) : undefined;
}

/** Writes a spec as the canonical JSON object that travels in `apply` and is stored; `parseSpec` reads it back equal. */
export function specToJson(spec: Spec): JsonObject {
  const { match } = spec;
  return {
    name: spec.name,
    hosts: spec.hosts,
    enabled: spec.enabled,
    match: dropAbsent({
      in: match.in,
      src: match.src,
      dst: match.dst,
      proto: match.proto,
      sport: match.sport,
      dport: match.dport,
    }),
    to: typeof spec.to === 'string' ? spec.to : dropAbsent(arrangeAction(spec.to) as JsonObject),
    ...(spec.idle !== undefined && { idle: { after: spec.idle.afterMs, rearm: spec.idle.rearm } }),
    ...(spec.expires !== undefined && { expires: spec.expires }),
    priority: spec.priority,
    ...(spec.description !== undefined && { description: spec.description }),
  };
}

function dropAbsent(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
}
