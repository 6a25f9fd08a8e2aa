import type { HostItem } from '../../protocol/listings.ts';
import type { HostTrouble } from '../../protocol/live.ts';
import { isSilentFor } from '../../protocol/status.ts';
import { ageText, countText, someText } from './format.ts';
import { standText } from './live.ts';

/** A host says how it is every 15 s. */
const LATE_MS = 20_000;

/** Whether a host that reported once has not been heard for too long. */
export function isSilent({ seenAt }: Pick<HostItem, 'seenAt'>, nowMs: number): boolean {
  return seenAt !== null && isSilentFor(nowMs - seenAt);
}

/** What is wrong with a host, nothing where nothing is known to be. What one said that is not heard any more may be over. */
function troublesOf(item: HostItem, nowMs: number): readonly string[] {
  const { ended, standing, problem, bypass, notSent, troubles = [] } = item;
  const gone = ended ? 'agent ended' : isSilent(item, nowMs) && 'silent';
  const told = [
    gone,
    bypass && 'BYPASS',
    problem ?? (standing !== 'ok' && `history ${standing}`),
    ...(gone ? [] : [...troubles.map(redirectsText), ...countedTexts(item)]),
    notSent && `${notSent.code}: not sent ${countText(notSent.redirects, 'redirect')}`,
  ];
  return told.filter((text) => typeof text === 'string');
}

/** Writes which redirects are not as they should be: `blocked NO_NEIGHBOUR drain-web-2,web +3`. */
function redirectsText({ total, redirects, ...stand }: HostTrouble): string {
  const which = redirects.length === 0 ? countText(total, 'more redirect') : someText(redirects, total);
  return `${standText(stand)} ${which}`;
}

/** What a controller of an older release counts and does not name. */
function countedTexts({ undelivered = 0, passed = 0, troubles = [] }: HostItem): readonly (string | false)[] {
  const isNamed = (state: string): boolean => troubles.some((one) => one.state === state);
  return [
    undelivered > 0 && !isNamed('undelivered') && `not delivered at ${countText(undelivered, 'interface')}`,
    passed > 0 && !isNamed('passed') && `HITS_PASSED: packets of ${countText(passed, 'redirect')} not sent`,
  ];
}

/** How a host is, in one word; silent is also one whose agent ended. */
export const HEALTHS = ['ok', 'troubled', 'silent', 'unheard', 'behind'] as const;
export type Health = (typeof HEALTHS)[number];

/** A host as a person has to see it. */
export interface HostHealth {
  readonly state: Health;
  /** What is wrong with it, empty where nothing is known to be. */
  readonly trouble: string;
}

export function healthOf(item: HostItem, nowMs: number): HostHealth {
  const troubles = troublesOf(item, nowMs);
  const late = isGone(item, nowMs) ? [] : lateTexts(item, nowMs);
  return { state: stateOf(item, troubles.length > 0, nowMs), trouble: [...troubles, ...late].join(', ') };
}

function stateOf(item: HostItem, isTroubled: boolean, nowMs: number): Health {
  const { seenAt, head, stored, applied } = item;
  if (seenAt === null) return 'unheard';
  if (isGone(item, nowMs)) return 'silent';
  if (isTroubled || item.exceptions > 0) return 'troubled';
  return stored < head || applied < stored ? 'behind' : 'ok';
}

function isGone(item: HostItem, nowMs: number): boolean {
  return item.ended === true || isSilent(item, nowMs);
}

/** How far a host is behind, and whether it is later with its word than it should be; one that never spoke has nothing. */
function lateTexts({ seenAt, head, stored, applied }: HostItem, nowMs: number): readonly string[] {
  if (seenAt === null) return [];
  const behind = [
    stored < head && `behind ${countText(head - stored, 'revision')}`,
    applied < stored && `${countText(stored - applied, 'revision')} not applied`,
  ].filter((text) => text !== false);
  const agoMs = nowMs - seenAt;
  return behind.length > 0 && agoMs > LATE_MS ? [...behind, `not heard for ${ageText(agoMs)}`] : behind;
}

/** How many hosts are how; all of them are counted once. */
export type Sum = Readonly<Record<Health | 'hosts', number>>;

export function sumOf(items: readonly HostItem[], nowMs: number): Sum {
  const sum = { hosts: items.length, ok: 0, troubled: 0, silent: 0, unheard: 0, behind: 0 };
  for (const item of items) sum[healthOf(item, nowMs).state] += 1;
  return sum;
}

/** Writes them: `33 hosts: 31 ok, 1 in trouble, 1 silent`. */
export function sumText({ hosts, ok, troubled, silent, unheard, behind }: Sum): string {
  const parts = [
    `${ok} ok`,
    troubled > 0 && `${troubled} in trouble`,
    silent > 0 && `${silent} silent`,
    unheard > 0 && `${unheard} never heard`,
    behind > 0 && `${behind} not up to date`,
  ];
  return `${countText(hosts, 'host')}: ${parts.filter(Boolean).join(', ')}`;
}
