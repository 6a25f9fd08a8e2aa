import type { Level, UndoneHost } from '../../protocol/change-state.ts';
import type { AnyCode } from '../../protocol/codes.ts';
import type { Standing } from '../../protocol/page.ts';
import { type Exception, isSilentFor } from '../../protocol/status.ts';
import { HELD, type Said, STANDING_CODES } from './live.ts';

/** What a change asks of a host: its own rev, how far it is to be, and what it puts there, if it does not only delete. */
export interface Asked {
  readonly rev: number;
  readonly level: Level;
  readonly puts?: Putting | undefined;
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
type Why = Pick<UndoneHost, 'state' | 'code' | 'name'>;

/**
 * What is left to do for a change on a host, by the host's own last word; undefined when it is done. What a host once said
 * of a level holds, also when it is silent now: it says how far it was, and nothing sets it back unheard.
 */
export function undoneOn({ rev, level, puts }: Asked, word: Word | undefined, nowMs: number): Undone | undefined {
  if (word === undefined) return { is: 'unreachable', rev, at: 0, seenAt: null, state: 'unheard' };
  const { said, seenAtMs } = word;
  const { status } = said;
  const at = word.standing === 'ok' && status.epoch !== '' ? status[level] : 0; // of no epoch, nothing was taken yet
  const hindrance = puts && level !== 'stored' ? hindranceOf(said, puts) : undefined;
  if (at >= rev && hindrance === undefined) return undefined;
  const far = { rev, at, seenAt: seenAtMs };
  if (status.ended) return { is: 'unreachable', ...far, state: 'ended' };
  if (isSilentFor(nowMs - seenAtMs)) return { is: 'unreachable', ...far, state: 'silent' };
  if (at >= rev && hindrance !== undefined) return { is: 'failed', ...far, ...hindrance };
  const code = holdOf(word);
  if (code !== undefined && isHolding(code)) return { is: 'failed', ...far, state: 'held', code };
  return { is: 'stale', ...far, state: 'pending', ...(code !== undefined && { code }) };
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
