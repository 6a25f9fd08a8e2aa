import type { Level, UndoneHost } from '../../protocol/change-state.ts';
import type { AnyCode } from '../../protocol/codes.ts';
import type { Standing } from '../../protocol/page.ts';
import { type Exception, isSilentFor, type Status } from '../../protocol/status.ts';
import { HELD, type Said, STANDING_CODES } from './live.ts';

/** What a change asks of a host: its own rev, how far it is to be, and what it puts there, if it does not only delete. */
export interface Asked {
  readonly rev: number;
  readonly level: Level;
  readonly puts?: Putting | undefined;
  /** The revs of a change that is to be confirmed, both included. */
  readonly toConfirm?: Revs | undefined;
  /** The revs of the change. */
  readonly revs?: Revs | undefined;
}

interface Revs {
  readonly first: number;
  readonly last: number;
}

export interface Putting {
  /** Tells an exception of what the change put. */
  readonly isMine: (exception: Exception) => boolean;
  /** Whether packets of some of it come in there by an interface that does not run the program. */
  readonly isMissed: (said: Said) => boolean;
}

/** What a host last said, and how that stands to the log. */
export interface Word {
  readonly said: Said;
  readonly seenAtMs: number;
  readonly standing: Standing;
}

type Undone = Omit<UndoneHost, 'host'>;
type Why = Pick<UndoneHost, 'state' | 'code' | 'name' | 'leftMs'>;

/**
 * What is left to do for a change on a host, by the host's own last word; undefined when it is done. What a host once said
 * of a level holds, also when it is silent now: it says how far it was, and nothing sets it back unheard.
 */
export function undoneOn(
  { rev, level, puts, toConfirm, revs }: Asked,
  word: Word | undefined,
  nowMs: number,
): Undone | undefined {
  if (word === undefined) return { is: 'unreachable', rev, at: 0, seenAt: null, state: 'unheard' };
  const { said, seenAtMs } = word;
  const { status } = said;
  const at = word.standing === 'ok' && status.epoch !== '' ? status[level] : 0; // of no epoch, nothing was taken yet
  const isFar = level !== 'stored';
  const hindrance = isFar ? hindranceTo(said, { puts, toConfirm, revs }) : undefined;
  const open = isFar ? unconfirmedOf(status, toConfirm, nowMs - seenAtMs) : undefined;
  if (at >= rev && hindrance === undefined && open === undefined) return undefined;
  const far = { rev, at, seenAt: seenAtMs };
  if (status.ended) return { is: 'unreachable', ...far, state: 'ended' };
  if (isSilentFor(nowMs - seenAtMs)) return { is: 'unreachable', ...far, state: 'silent' };
  if (at >= rev && hindrance !== undefined) return { is: 'failed', ...far, ...hindrance };
  if (at >= rev && open !== undefined) return { is: 'stale', ...far, ...open };
  const code = holdOf(word);
  if (code !== undefined && isHolding(code)) return { is: 'failed', ...far, state: 'held', code };
  return { is: 'stale', ...far, state: 'pending', ...(code !== undefined && { code }) };
}

/** Why it is not done where the host is so far. */
function hindranceTo(
  said: Said,
  { puts, toConfirm, revs }: Pick<Asked, 'puts' | 'toConfirm' | 'revs'>,
): Why | undefined {
  const { status } = said;
  return withheldOf(status, revs) ?? (puts && hindranceOf(said, puts)) ?? revertedOf(status, toConfirm);
}

/** What of it the host's brake withholds, a delete as well; where not all of that is listed, what may be of it is. */
function withheldOf({ exceptions, brake }: Status, of: Revs | undefined): Why | undefined {
  if (of === undefined || brake === undefined || brake.from > of.last) return undefined;
  const listed = exceptions.filter(({ code }) => code === 'BRAKE');
  const found = listed.find(({ rev }) => isOf(of, rev));
  if (found === undefined && listed.length >= brake.withheld) return undefined;
  return { state: 'denied', code: 'BRAKE', ...(found && { name: found.name }) };
}

/** What of a change a host took back, a delete as well. */
function revertedOf({ exceptions }: Status, of: Revs | undefined): Why | undefined {
  const found = exceptions.find(({ code, rev }) => code === 'REVERTED' && isOf(of, rev));
  return found && { state: found.state, code: found.code, name: found.name };
}

/** What of it the host takes back first unless it is confirmed; or that something of it has yet to come to stand. */
function unconfirmedOf({ unconfirmed = [], unarmed }: Status, of: Revs | undefined, agoMs: number): Why | undefined {
  const found = unconfirmed.find(({ rev }) => isOf(of, rev));
  if (found !== undefined) return { state: 'unconfirmed', name: found.name, leftMs: Math.max(0, found.leftMs - agoMs) };
  return unarmed !== undefined && isOf(of, unarmed) ? { state: 'pending' } : undefined;
}

function isOf(of: Revs | undefined, rev: number): boolean {
  return of !== undefined && rev >= of.first && rev <= of.last;
}

/** Why what was put is not in force on a host that has it. */
function hindranceOf(said: Said, { isMine, isMissed }: Putting): Why | undefined {
  const { status, unattached, unlisted } = said;
  const found = status.exceptions.find(isMine);
  if (found !== undefined) return { state: found.state, code: found.code, name: found.name };
  if (status.bypass) return { state: 'bypass' };
  if (unattached === null || (unattached.size > 0 && isMissed(said)))
    return { state: 'unattached', code: 'NOT_ATTACHED' };
  if (status.problems?.some(({ code }) => code === 'FOREIGN_WRITER'))
    return { state: 'unknown', code: 'FOREIGN_WRITER' };
  return unlisted;
}

/** Why a host does not get on. */
function holdOf({ said: { status }, standing }: Word): UndoneHost['code'] {
  if (standing !== 'ok') return STANDING_CODES[standing];
  return status.problems?.find(({ code }) => isHolding(code))?.code ?? status.problems?.[0]?.code ?? status.problem;
}

/** Whether a host keeps what it has until somebody sees to it; whoever has yet to follow the newer history comes by itself. */
function isHolding(code: AnyCode): boolean {
  return code !== 'SUPERSEDED' && (HELD.has(code) || code === 'STORE_UNWRITABLE');
}
