import type { Standing } from '../../protocol/page.ts';
import type { Exception } from '../../protocol/status.ts';
import type { Counted } from '../model/counted.ts';
import { hostNow, type Stand } from '../model/live.ts';
import type { RolloutHost } from '../model/rollout.ts';
import type { LastWord } from '../store/tables/last-words.ts';
import type { JudgedHost, Trouble } from './gates.ts';
import type { RolloutHostNow } from './snapshot.ts';

/** Who judges hosts by what they said, and what for. */
export interface Listener {
  readonly nowMs: number;
  /** How long somebody has listened without a break. */
  readonly awakeMs: number;
  readonly freshMs: number;
  /** The keys that the rollout concerns. */
  readonly keys: ReadonlySet<string>;
  /** The first revision that could be of it. */
  readonly firstRev: number;
}

/** What a host said last, and how that stands to the log. */
export interface Word {
  readonly last: LastWord;
  readonly standing: Standing;
}

/** What follows of a host from what it said last. */
export function lookAt(row: RolloutHost, word: Word | undefined, listener: Listener): RolloutHostNow {
  const heard = heardOf(word, listener);
  if (word === undefined) return { ...row, heard, able: false, verified: false, settled: false };
  const { status } = word.last.report;
  const verified = word.standing === 'ok' && status.epoch !== '' && status.verified >= row.rev;
  const isSure = (status.confirmed ?? 0) >= row.rev || (!status.unconfirmedTotal && status.unarmed === undefined);
  const hindrance = hindranceOf(word) ?? blockerOf(word, listener);
  const back = newExceptions(row, word, listener).find(({ code }) => code === 'REVERTED');
  return {
    ...row,
    heard,
    able: hindrance === undefined,
    ...(hindrance !== undefined && { hindrance }),
    verified,
    settled: verified && isSure,
    ...(back !== undefined && { reverted: back.name }),
    ...(withholdsSome(word, listener) && { withholds: true as const }),
    ...(mayTakeBack(word, listener) && { unconfirmed: true as const }),
  };
}

/** As long as nobody listened long enough, silence says nothing. */
function heardOf(word: Word | undefined, { nowMs, awakeMs, freshMs }: Listener): RolloutHostNow['heard'] {
  const { status, seenAtMs } = word?.last.report ?? {};
  if (status?.ended) return 'stale';
  if (seenAtMs !== undefined && Math.abs(nowMs - seenAtMs) < freshMs) return 'fresh';
  return awakeMs >= freshMs ? 'stale' : 'unknown';
}

/** Since its last status, as far as somebody listened; null where it never said anything. */
export function silentMs(word: Word | undefined, { nowMs, awakeMs }: Listener): number | null {
  const report = word?.last.report;
  if (report === undefined) return null;
  return report.status.ended ? Number.POSITIVE_INFINITY : Math.min(Math.abs(nowMs - report.seenAtMs), awakeMs);
}

/** What keeps a host from doing what it is told; undefined where nothing does. */
function hindranceOf(word: Word): Stand | undefined {
  const { interfaces } = word.last.report.status;
  const level = levelOf(word);
  if (level !== undefined) return level;
  const { unattached } = word.last.said;
  const isAttached = unattached !== null && (interfaces.length === 0 || unattached.size < interfaces.length);
  return isAttached ? undefined : { state: 'unattached', code: 'NOT_ATTACHED' };
}

/**
 * What its brake withholds, behind which nothing else goes; or a change of something else that was to be confirmed and does not stand
 * yet, or was taken back: behind it nothing is confirmed, and what comes now would be taken back for no fault of its own.
 */
function blockerOf({ last }: Word, { keys }: Listener): Stand | undefined {
  const { exceptions, unarmed, brake } = last.report.status;
  if (brake !== undefined) return { state: 'denied', code: 'BRAKE' };
  const blocks = exceptions.filter(({ code, rev }) => code === 'REVERTED' || rev === unarmed);
  const found = blocks.find(({ key }) => !keys.has(key));
  if (found !== undefined) return { state: found.state, code: found.code };
  return unarmed === undefined || blocks.some(({ rev }) => rev === unarmed) ? undefined : { state: 'pending' };
}

/** How a host stands as a whole, but for how long ago it said so. */
function levelOf({ last, standing }: Word): Stand | undefined {
  const { seenAtMs } = last.report;
  return hostNow({ said: last.said, seenAtMs }, standing, seenAtMs).level;
}

/** Exceptions of what the rollout concerns that the host did not have before. What it takes back anew is new, whatever it took back before. */
function newExceptions({ baseline }: RolloutHost, { last }: Word, { keys, firstRev }: Listener): readonly Exception[] {
  return last.report.status.exceptions.filter(
    ({ key, code, rev }) => keys.has(key) && (baseline[key] !== code || (code === 'REVERTED' && rev >= firstRev)),
  );
}

/** Whether a brake withholds something of ours, as far as it can be told. */
function withholdsSome({ last }: Word, { keys }: Listener): boolean {
  const { exceptions, brake } = last.report.status;
  const listed = exceptions.filter(({ code }) => code === 'BRAKE');
  return listed.some(({ key }) => keys.has(key)) || (brake !== undefined && brake.withheld > listed.length);
}

/** Whether something of ours waits to be confirmed, as far as it can be told: what stood before may come back by itself. */
function mayTakeBack({ last }: Word, { keys }: Listener): boolean {
  const { unconfirmed = [], unconfirmedTotal = 0, unarmed } = last.report.status;
  return unarmed !== undefined || unconfirmedTotal > unconfirmed.length || unconfirmed.some(({ key }) => keys.has(key));
}

/** What of the rollout's keys was wrong on a host before it was told anything. */
export function baselineOf(word: Word | undefined, keys: ReadonlySet<string>): RolloutHost['baseline'] {
  const exceptions = word?.last.report.status.exceptions ?? [];
  return Object.fromEntries(exceptions.filter(({ key }) => keys.has(key)).map(({ key, code }) => [key, code]));
}

/** Says how long something is known. */
export type Since = (host: string, what: string) => number;

/** What gates are judged by of a host that was reached. */
export function factsOf(
  row: RolloutHostNow,
  word: Word | undefined,
  listener: Listener,
  since: Since,
  counted?: Counted,
): JudgedHost {
  return {
    host: row.host,
    wave: row.wave,
    statusMsAgo: silentMs(word, listener),
    verified: row.verified,
    troubles: word === undefined ? [] : troublesOf(row, word, listener, since),
    ...(word !== undefined && hidesSome(word, listener, counted) && { troublesCut: true }),
    ...(counted !== undefined && { counted }),
  };
}

/** Whether a host may have exceptions of ours that it does not list: what it told of each redirect may show that it has not. */
function hidesSome({ last }: Word, { keys }: Listener, counted?: Counted): boolean {
  const { exceptions, exceptionsTotal } = last.report.status;
  if (exceptionsTotal <= exceptions.length) return false;
  const undone = counted?.undone ?? null;
  return undone === null || undone > exceptions.filter(({ key }) => keys.has(key)).length;
}

/** The same of a host that is only compared with: what stands there for these keys was there before. */
export function controlFacts(
  host: string,
  word: Word | undefined,
  listener: Listener,
  since: Since,
  counted?: Counted,
): JudgedHost {
  const found = word?.last.report.status.exceptions.filter(({ key }) => listener.keys.has(key)) ?? [];
  const troubles = found.map(({ name, key, state, code }) => ({
    name,
    state,
    code,
    forMs: since(host, `${key} ${code}`),
  }));
  const statusMsAgo = silentMs(word, listener);
  return { host, wave: 0, statusMsAgo, verified: true, troubles, ...(counted !== undefined && { counted }) };
}

function troublesOf(row: RolloutHost, word: Word, listener: Listener, since: Since): readonly Trouble[] {
  const own = newExceptions(row, word, listener).map(({ name, key, state, code }) => {
    return { name, state, code, forMs: since(row.host, `${key} ${code}`) };
  });
  const level = levelOf(word);
  if (level === undefined || level.state === 'ended') return own;
  return [...own, { ...level, forMs: since(row.host, `${level.state} ${level.code ?? ''}`) }];
}
