import { type Action, actionKind, arrangeAction, parseAction } from './action.ts';
import type { AnyCode } from './codes.ts';
import { type Labels, readHost, readLabels } from './host.ts';
import { type Idle, readAfterMs, readName, readRearm } from './intent.ts';
import { isObject, type JsonObject } from './json.ts';
import { type Match, readMatch } from './match.ts';
import { integer, join, list, object, optional, type Reader, readBoolean, readTime, show } from './read.ts';
import { Refused } from './refused.ts';
import { readDuration, readInstant } from './times.ts';

/** Which hosts a redirect is for: every one, those listed, or those that carry all the labels. */
export type Selector = 'all' | readonly string[] | Labels;

/** A redirect as the operator means it, normalised: defaults filled in, lists sorted. `expires` is in ms since 1970. */
export interface Spec {
  readonly name: string;
  readonly hosts: Selector;
  readonly enabled: boolean;
  readonly match: Match;
  readonly to: Action;
  readonly idle?: Idle;
  readonly expires?: number;
  readonly priority: number;
}

/** One reason why an upload is refused: `index` is the spec's place in it, `path` the field within the spec. */
export interface Problem {
  readonly index: number;
  readonly name?: string;
  readonly code: AnyCode;
  readonly path: string;
  readonly message: string;
}

/** The most host ids that one selector lists. */
const MAX_LISTED_HOSTS = 4096;
const MAX_PRIORITY = 1_000_000;

const readListedHosts = list(readHost, MAX_LISTED_HOSTS);

const readSelector: Reader<Selector> = (value, path) => {
  if (value === 'all') return value;
  if (Array.isArray(value) && value.length > 0) {
    return Object.freeze([...new Set(readListedHosts(value, path))].sort());
  }
  if (isObject(value) && Object.keys(value).length > 0) return readLabels(value, path);
  throw new Refused('BAD_SELECTOR', path, `expected all, a list of host ids or labels, not ${describe(value)}`);
};

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an empty list';
  return isObject(value) ? 'empty labels' : show(value);
}

interface WrittenIdle {
  readonly after: number;
  readonly rearm?: Idle['rearm'];
}

const readWrittenIdle = object<WrittenIdle>({
  after: (value, path) => readAfterMs(readDuration(value, path), path),
  rearm: optional(readRearm),
});

const readIdle: Reader<Idle> = (value, path) => {
  const { after, rearm = 'revision' } = readWrittenIdle(value, path);
  return Object.freeze({ afterMs: after, rearm });
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
}

const readWritten = object<Written>({
  name: readName,
  hosts: readSelector,
  enabled: optional(readBoolean),
  match: readMatch,
  to: (value) => value, // judged beside the match, below
  idle: optional(readIdle),
  expires: optional((value, path) => readTime(readInstant(value, path), path)),
  priority: optional(integer(-MAX_PRIORITY, MAX_PRIORITY)),
});

const readSpec: Reader<Spec> = (value, path) => {
  const { name, hosts, enabled = true, match, idle, expires, priority = 0, ...written } = readWritten(value, path);
  const to = parseAction(written.to, match, join(path, 'to'));
  requireOffered(to, join(path, 'to'));
  return Object.freeze({
    name,
    hosts,
    enabled,
    match,
    to,
    ...(idle !== undefined && { idle }),
    ...(expires !== undefined && { expires }),
    priority,
  });
};

/** Refuses the actions that the wire knows and no agent does yet. */
function requireOffered(to: Action, path: string): void {
  const kind = actionKind(to);
  if (kind === 'encap' || kind === 'rewrite') {
    throw new Refused(
      'NOT_SUPPORTED',
      path,
      `${kind} is not offered by this version; use nexthop, or interface and mac`,
    );
  }
}

/** Reads a spec as written by an operator, or as `specToJson` made it. Errors: Refused with a path such as `match.src`. */
export function parseSpec(value: unknown): Spec {
  return readSpec(value, '');
}

/** Reads every spec of an upload: those that are valid, and the first problem of each that is not; names must be unique. */
export function parseSpecs(values: readonly unknown[]): {
  readonly specs: readonly Spec[];
  readonly problems: readonly Problem[];
} {
  const specs: Spec[] = [];
  const problems: Problem[] = [];
  const firstUse = new Map<string, number>();
  for (const [index, value] of values.entries()) {
    try {
      const spec = readSpec(value, '');
      checkUnique(spec.name, index, firstUse);
      specs.push(spec);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      problems.push(problemOf(error, index, value));
    }
  }
  return { specs, problems };
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
  };
}

function dropAbsent(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
}

function checkUnique(name: string, index: number, firstUse: Map<string, number>): void {
  const first = firstUse.get(name);
  if (first !== undefined)
    throw new Refused('DUPLICATE_NAME', 'name', `${name} is also the name of redirect ${first + 1}`);
  firstUse.set(name, index);
}

function problemOf(refused: Refused, index: number, value: unknown): Problem {
  const name = isObject(value) && typeof value.name === 'string' ? value.name.slice(0, 63) : undefined;
  return {
    index,
    ...(name !== undefined && { name }),
    code: refused.code,
    path: refused.path,
    message: refused.reason,
  };
}
