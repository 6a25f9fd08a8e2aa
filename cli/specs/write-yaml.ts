import { Document, isCollection, isMap, isPair, isScalar, isSeq } from 'yaml';
import { isObject, type JsonObject } from '../../protocol/json.ts';

/** A redirect as the controller lists it. */
export interface Listed {
  readonly spec: JsonObject;
  /** The set that it is in; a comment, for redirects do not say it themselves. */
  readonly set?: string;
}

/** So many hosts still stand on one line. */
const MAX_ON_LINE = 8;

/** Writes redirects as a file that `shunt apply` takes, and that says what they say; what goes without saying is left out. */
export function writeYaml(items: readonly Listed[]): string {
  if (items.length === 0) return 'redirects: []';
  return ['redirects:', ...items.map(writeOne)].join('\n');
}

function writeOne({ spec, set }: Listed): string {
  const document = new Document([terse(spec)]);
  const { contents } = document;
  const [redirect] = isSeq(contents) ? contents.items : [];
  if (isMap(redirect)) {
    for (const pair of redirect.items) if (isPair(pair)) layOut(pair.value);
    if (set !== undefined) redirect.commentBefore = ` of the set ${set}`;
  }
  return document
    .toString({ lineWidth: 0 })
    .trimEnd()
    .replaceAll(/^(?=.)/gm, '  ');
}

/** A match or an action on one line, as people write them; a long list of hosts on lines of their own. */
function layOut(value: unknown): void {
  if (isCollection(value)) value.flow = value.items.length <= MAX_ON_LINE && value.items.every(isShort);
}

function isShort(item: unknown): boolean {
  return isScalar(item) || (isPair(item) && isScalar(item.value));
}

/** Without what is so anyway, and with times and durations as people write them. What a newer controller says besides, stays. */
function terse({ enabled, priority, idle, expires, ...spec }: JsonObject): JsonObject {
  const { name, hosts, match, to, description, ...others } = spec;
  return Object.fromEntries(
    Object.entries({
      name,
      hosts,
      enabled: enabled === true ? undefined : enabled,
      match,
      to,
      idle: isObject(idle) ? terseIdle(idle) : idle,
      expires: instant(expires),
      priority: priority === 0 ? undefined : priority,
      description,
      ...others,
    }).filter(([, value]) => value !== undefined),
  );
}

function terseIdle({ after, rearm, ...others }: JsonObject): JsonObject {
  const written = typeof after === 'number' ? durationText(after) : after;
  return { after: written, ...(rearm !== 'revision' && rearm !== undefined && { rearm }), ...others };
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

function durationText(ms: number): string | number {
  const unit = UNITS.find(([, size]) => ms % size === 0);
  return unit === undefined ? ms : `${ms / unit[1]}${unit[0]}`;
}

/** A time of more than four digits in its year has no text that is read. */
const END_MS = Date.UTC(10_000);

function instant(expires: unknown): unknown {
  if (typeof expires !== 'number' || expires < 0 || expires >= END_MS) return expires;
  return new Date(expires).toISOString().replace('.000Z', 'Z');
}
