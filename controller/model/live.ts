import type { AnyCode, Code } from '../../protocol/codes.ts';
import type { LiveState } from '../../protocol/live.ts';
import type { Standing } from '../../protocol/page.ts';
import { isSilentFor, type Status } from '../../protocol/status.ts';

/** How a redirect stands on a host, and why. */
export interface Stand {
  readonly state: LiveState;
  readonly code?: AnyCode;
  /** Of one that is not confirmed yet: when it is taken back. */
  readonly leftMs?: number;
}

/** What is looked at of a redirect, the same on every host. */
export interface Wanted {
  readonly name: string;
  readonly key: string;
  /** In ms since 1970. */
  readonly expires?: number;
  /** It is given up in silence. */
  readonly idles: boolean;
  /** The interface that its packets come in by; undefined for any. */
  readonly ingress?: string;
  /** Whether it sends packets on, and out of which interface, if it says that. */
  readonly sends: boolean;
  readonly egress?: string;
}

/** What a host said last, made ready to be asked of many redirects. */
export interface Said {
  readonly status: Status;
  readonly exceptions: ReadonlyMap<string, Stand & { readonly rev: number }>;
  /** How any redirect stands that is among the exceptions and not listed; undefined where all are listed. */
  readonly unlisted?: Stand;
  readonly idle: ReadonlySet<string>;
  /** There are idle ones that are not listed. */
  readonly idleCut: boolean;
  readonly undelivered: ReadonlySet<string>;
  /** Egresses that lose packets of redirects that are not named; null is one that is gone. */
  readonly losing: readonly (string | null)[];
  readonly passed: ReadonlySet<string>;
  /** What is taken back unless it is confirmed, by key: in how long from when the host said so. */
  readonly unconfirmed: ReadonlyMap<string, number>;
  /** Interfaces by which packets do not meet the program; null: nobody knows of any that they meet it by. */
  readonly unattached: ReadonlySet<string> | null;
  /** Nothing but installed redirects, for all that is said. */
  readonly plain: boolean;
}

/** A host as it is now, whatever redirect is asked about. */
export interface HostNow {
  readonly said: Said | undefined;
  /** How everything on it stands; undefined where that differs. */
  readonly level: Stand | undefined;
  /** Up to here it has what it was told. */
  readonly applied: number;
  /** How long ago it was heard. */
  readonly agoMs: number;
}

/** The host goes on with what it has, whatever the log says. */
export const HELD: ReadonlySet<AnyCode> = new Set<Code>([
  'HISTORY_LOST',
  'FOREIGN_EPOCH',
  'SUPERSEDED',
  'STORE_NEWER',
  'STORE_DAMAGED',
  'BAD_DIGEST',
  'ADOPTING',
]);
/** What stands goes on as it ought to; only what is new waits. */
const WAITING: ReadonlySet<AnyCode> = new Set<Code>(['STORE_UNWRITABLE', 'CONTROLLER_SILENT']);
export const STANDING_CODES: Readonly<Record<Exclude<Standing, 'ok'>, Code>> = {
  lost: 'HISTORY_LOST',
  unknown: 'FOREIGN_EPOCH',
  superseded: 'SUPERSEDED',
};

/** Makes ready what a host said. */
export function listen(status: Status): Said {
  const { exceptions, exceptionsTotal, counts, idle = [], undelivered, passed, interfaces } = status;
  const unconfirmed = new Map(status.unconfirmed?.map(({ key, leftMs }) => [key, leftMs]));
  const losses = undelivered ?? [];
  const unlisted = unlistedOf(status);
  const lost = new Set(interfaces.filter(({ mode, attached = mode !== 'none' }) => !attached).map(({ name }) => name));
  const everywhere = codesOf(status).includes('NOT_ATTACHED') && lost.size === 0;
  const named = new Set(losses.flatMap(({ redirects }) => redirects));
  const hits = new Set((passed ?? []).map(({ name }) => name));
  return {
    status,
    exceptions: new Map(exceptions.map(({ key, rev, state, code }) => [key, { rev, state, code }])),
    ...(unlisted !== undefined && { unlisted }),
    idle: new Set(idle.map(({ name }) => name)),
    idleCut: counts.idle > idle.length,
    undelivered: named,
    losing: losses.filter((one) => one.redirectsTotal > one.redirects.length).map((one) => one.interface),
    passed: hits,
    unconfirmed,
    unattached: everywhere ? null : lost,
    plain:
      exceptionsTotal + counts.idle + losses.length + hits.size + lost.size + unconfirmed.size === 0 &&
      !everywhere &&
      counts.installed === counts.desired,
  };
}

/** A host and when it was heard, in ms since 1970. */
export interface LastSaid {
  readonly said: Said;
  readonly seenAtMs: number;
}

/** How a host stands as a whole, by what it said last and by when that was; undefined: it never said anything. Silence is never well. */
export function hostNow(last: LastSaid | undefined, standing: Standing, nowMs: number): HostNow {
  if (last === undefined) return { said: undefined, level: { state: 'unheard' }, applied: 0, agoMs: 0 };
  const { said, seenAtMs } = last;
  return { said, level: levelOf(last, standing, nowMs), applied: said.status.applied, agoMs: nowMs - seenAtMs };
}

function levelOf({ said: { status }, seenAtMs }: LastSaid, standing: Standing, nowMs: number): Stand | undefined {
  if (status.ended) return { state: 'ended' };
  if (isSilentFor(nowMs - seenAtMs)) return { state: 'silent' };
  if (status.bypass) return { state: 'bypass' };
  const codes = codesOf(status);
  const held = codes.find((code) => HELD.has(code)) ?? (standing === 'ok' ? undefined : STANDING_CODES[standing]);
  if (held !== undefined) return { state: 'held', code: held };
  const strange = codes.find((code) => !WAITING.has(code) && code !== 'NOT_ATTACHED');
  return strange === undefined ? undefined : { state: 'unknown', code: strange };
}

/** How a redirect stands on a host that is to have it as of `rev`. Total: whatever was said, one state is answered. */
export function standOf(wanted: Wanted, rev: number, { said, level, applied, agoMs }: HostNow, nowMs: number): Stand {
  if (wanted.expires !== undefined && wanted.expires <= nowMs) return EXPIRED; // the kernel ends it, agent or no agent
  if (level !== undefined) return level;
  if (said === undefined) return { state: 'unheard' };
  const exception = said.exceptions.get(wanted.key);
  if (exception?.rev === rev) return { state: exception.state, ...codeOf(exception) };
  if (rev > applied) return waiting(said.status);
  if (said.plain) return INSTALLED;
  return exception === undefined ? settled(wanted, said, agoMs) : { state: exception.state, ...codeOf(exception) };
}

/** Whether nothing is known of a host but that it does all that it was told: then a redirect stands there that it has and that lasts. */
export function isPlain({ said, level }: HostNow): boolean {
  return level === undefined && said?.plain === true;
}

/** Whether packets that come in by an interface, or by any, do not meet the program there. */
export function isMissed({ unattached }: Pick<Said, 'unattached'>, ingress: string | undefined): boolean {
  return unattached === null || (ingress === undefined ? unattached.size > 0 : unattached.has(ingress));
}

/** Of one that the host has decided on, and that is no exception that it lists. */
function settled(wanted: Wanted, said: Said, agoMs: number): Stand {
  const { name, key, ingress, idles, sends } = wanted;
  if (isMissed(said, ingress)) return { state: 'unattached', code: 'NOT_ATTACHED' };
  if (said.idle.has(name)) return { state: 'idle' };
  if (said.unlisted !== undefined) return said.unlisted;
  if (idles && said.idleCut) return { state: 'unknown' };
  if (said.undelivered.has(name)) return { state: 'undelivered', code: 'UNDELIVERED' };
  if (sends && said.losing.some((at) => wanted.egress === undefined || at === null || at === wanted.egress))
    return { state: 'unknown', code: 'UNDELIVERED' };
  const leftMs = said.unconfirmed.get(key);
  if (leftMs !== undefined) return { state: 'unconfirmed', leftMs: Math.max(0, leftMs - agoMs) };
  return said.passed.has(name) ? { state: 'passed', code: 'HITS_PASSED' } : INSTALLED;
}

export const INSTALLED: Stand = Object.freeze({ state: 'installed' });
const EXPIRED: Stand = Object.freeze({ state: 'expired' });

function waiting(status: Status): Stand {
  const code = codesOf(status).find((one) => WAITING.has(one));
  return { state: 'pending', ...(code !== undefined && { code }) };
}

/** Where exceptions were cut: the same as those that are listed, if nothing else is there; else nobody can tell. */
function unlistedOf({ exceptions, exceptionsTotal, counts }: Status): Stand | undefined {
  if (exceptionsTotal <= exceptions.length) return undefined;
  const [first] = exceptions;
  const alike = exceptions.every(({ state, code }) => state === first?.state && code === first.code);
  const all = exceptionsTotal >= counts.desired && first !== undefined && alike;
  return all ? { state: first.state, code: first.code } : { state: 'unknown' };
}

/** An older agent says only the gravest. */
function codesOf({ problems, problem }: Status): readonly AnyCode[] {
  return problems?.map(({ code }) => code) ?? (problem === undefined ? [] : [problem]);
}

function codeOf({ code }: Stand): Pick<Stand, 'code'> {
  return code === undefined ? {} : { code };
}
