import type { Code } from '../../protocol/codes.ts';
import type { State } from '../model/state.ts';
import type { Candidate } from './candidate.ts';
import { staysIdle } from './idle.ts';
import type { ShapeRoom } from './rooms.ts';

/** In which state a key is while its entry does not stand, and why. */
export interface Objection {
  readonly state: State;
  readonly code?: Code;
}

/** Says why the entry of a candidate shall not stand now, or nothing. It looks and changes nothing. */
export type Reason = (it: Candidate, shapes: Pick<ShapeRoom, 'hasRoom'>) => Objection | undefined;

const blocked = (code: Code): Objection => ({ state: 'blocked', code });

const expired: Reason = ({ intent, input }) =>
  intent.expires !== undefined && intent.expires <= input.clock.nowMs ? { state: 'expired' } : undefined;

const idle: Reason = ({ intent, input }) =>
  staysIdle(intent, input.states.get(intent.key), input.awaiting.isBack(intent.key)) ? { state: 'idle' } : undefined;

const guarded: Reason = ({ judgement }) =>
  judgement.is === 'denied' ? { state: 'denied', code: 'GUARD_DENIED' } : undefined;

const unzoned: Reason = ({ place }) => ('code' in place ? blocked(place.code) : undefined);

const unreachable: Reason = ({ path }) => ('code' in path ? blocked(path.code) : undefined);

const shapeless: Reason = ({ shape }, shapes) =>
  shape === undefined || shapes.hasRoom(shape) ? undefined : blocked('SHAPES_FULL');

/**
 * Why a key shall not stand; the first that speaks is told, so their order is meaning: what no time or network will
 * mend stands before what may come by itself, and what takes room comes last. A slot is the last thing that is asked
 * for (`MAP_FULL`, in draft.ts), because asking takes it.
 */
export const REASONS: readonly Reason[] = [expired, idle, guarded, unzoned, unreachable, shapeless];
