import { type Action, readAction } from '../../protocol/action.ts';
import type { Near } from '../../protocol/api.ts';
import { type AnyCode, CODES, type Code } from '../../protocol/codes.ts';
import { keyOf } from '../../protocol/key.ts';
import { parseMatch } from '../../protocol/match.ts';
import { didYouMean } from '../../protocol/near.ts';
import { compareNames } from '../../protocol/order.ts';
import { Refused } from '../../protocol/refused.ts';
import type { HostProblem } from '../../protocol/status.ts';

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** Writes a number of bytes with one decimal from KiB up: `512 B`, `1.5 MiB`. */
export function bytesText(bytes: bigint | number): string {
  let value = Number(bytes);
  let unit = 0;
  while (value >= 1023.95 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** Writes how far the controller has come with what it was asked to do. */
export function workText(done: number, what: string): string {
  return `the controller works on it: ${done.toLocaleString('en-US')} ${what}`;
}

/** Writes how long ago something was, in its two largest units: `340ms`, `12s`, `3m20s`, `2d4h`. */
export function ageText(ageMs: number): string {
  if (ageMs < 1000) return `${Math.max(0, Math.round(ageMs))}ms`;
  const seconds = Math.floor(ageMs / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return pair(seconds, 60, 'm', 1, 's');
  if (seconds < 86_400) return pair(seconds, 3600, 'h', 60, 'm');
  return pair(seconds, 86_400, 'd', 3600, 'h');
}

/** Writes a span to the second: what counts down is read once a second. */
export function spanText(ms: number): string {
  return ms < 1000 ? '0s' : ageText(ms);
}

/** Writes how long was waited, exactly where that is short. */
export function waitText(waitMs: number): string {
  return waitMs < 60_000 ? `${waitMs / 1000}s` : ageText(waitMs);
}

/** Writes how wrong a host's clock is: `2h5m ahead of the controller's`. */
export function clockText(aheadMs: number): string {
  return `${ageText(Math.abs(aheadMs))} ${aheadMs < 0 ? 'behind' : 'ahead of'} the controller's`;
}

/** Writes a moment in UTC, with milliseconds where it has some. */
export function timeText(atMs: number): string {
  return new Date(atMs).toISOString().replace('.000Z', 'Z');
}

/** Writes a moment in UTC, to the second. */
export function secondText(atMs: number): string {
  return timeText(atMs - (atMs % 1000));
}

/** Writes what there is room for. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** Writes a code with its meaning, also one that this version does not know. */
export function codeText(code: AnyCode): string {
  const means = meaningText(code);
  return means === '' ? code : `${code}: ${means}`;
}

/** Writes what a code means; nothing of one that this version does not know. */
export function meaningText(code: AnyCode): string {
  return Object.hasOwn(CODES, code) ? CODES[code as Code] : '';
}

/** Writes what is wrong with a host: the code, its meaning, and where. */
export function problemText({ code, detail }: HostProblem): string {
  return detail === undefined ? codeText(code) : `${codeText(code)}: ${detail}`;
}

/** Writes what is to happen to a packet in a few words, also for an action that a newer peer invented. */
export function actionText(to: unknown): string {
  const action = understand(() => readAction(to, 'to'));
  return action === undefined ? JSON.stringify(to) : knownActionText(action);
}

/** Writes a match as its key, also for one that a newer peer invented. */
export function matchText(match: unknown): string {
  return understand(() => keyOf(parseMatch(match))) ?? JSON.stringify(match);
}

/** Writes labels as `role=edge,rack=12`. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** Writes the first three of some names, in their order, and how many more there are; `total` where the list has not all. */
export function someText(items: readonly string[], total = items.length): string {
  const shown = items.toSorted(compareNames).slice(0, 3);
  return total > shown.length ? `${shown.join(',')} +${total - shown.length}` : shown.join(',');
}

/** Writes the first of some hosts, and how many more there are: `edge-1, edge-2 +31`. */
export function hostsText(hosts: readonly string[], most: number): string {
  const shown = hosts.toSorted(compareNames).slice(0, most);
  return `${shown.join(', ')}${hosts.length > most ? ` +${hosts.length - most}` : ''}`;
}

/** Writes for which hosts a redirect is. */
export function selectorText(hosts: unknown): string {
  if (Array.isArray(hosts)) return someText(hosts.map(String)) || '-';
  return typeof hosts === 'object' && hosts !== null ? labelsText(hosts as Record<string, string>) : String(hosts);
}

/** Says which redirects select no host that ever reported, and which listed hosts never did. */
export function strangerTexts(of: {
  readonly unmatched?: readonly string[] | undefined;
  readonly unmatchedTotal?: number | undefined;
  readonly unheard?: readonly string[] | undefined;
  readonly unheardTotal?: number | undefined;
}): readonly string[] {
  const { unmatched = [], unmatchedTotal = 0, unheard = [], unheardTotal = 0 } = of;
  const texts: string[] = [];
  if (unmatchedTotal > 0)
    texts.push(`no host that ever reported is selected by ${someText(unmatched, unmatchedTotal)}; see shunt hosts`);
  if (unheardTotal > 0)
    texts.push(`${countText(unheardTotal, 'host')} never reported: ${someText(unheard, unheardTotal)}`);
  return texts;
}

/** Says why a host is not sent a redirect: `AGENT_TOO_OLD (idle)`. */
export function whyNotSent({
  code,
  lacks = [],
}: {
  readonly code: string;
  readonly lacks?: readonly string[];
}): string {
  return lacks.length === 0 ? code : `${code} (${lacks.join(' ')})`;
}

/** Says which name that is there was probably meant by one that is not: `; did you mean drain-web-2?`. */
export function nearText(name: string, nears: readonly Near[]): string {
  const found = nears.find((one) => one.name === name);
  return found === undefined ? '' : `; ${didYouMean(found.near)}`;
}

/** Writes a number and its noun: `1 host`, `2 hosts`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function knownActionText(action: Action): string {
  if (typeof action === 'string') return action;
  const ttl = action.ttl === 'keep' ? ' ttl keep' : '';
  if ('mac' in action) return `${action.interface} ${action.mac}${ttl}`;
  if ('encap' in action) return `ipip ${action.remote}${ttl}`;
  if ('rewrite' in action)
    return `rewrite ${[action.rewrite.dst, action.rewrite.dport].filter((part) => part !== undefined).join(' port ')}${ttl}`;
  return `${action.nexthop}${action.interface === undefined ? '' : ` on ${action.interface}`}${ttl}`;
}

function understand<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

function pair(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)}${largeName}${rest === 0 ? '' : `${rest}${smallName}`}`;
}
