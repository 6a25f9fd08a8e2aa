import type { State } from '../model/state.ts';
import { Candidate } from './candidate.ts';
import type { Draft } from './decision.ts';
import type { PlanInput } from './plan-input.ts';
import { type Objection, REASONS } from './reasons.ts';
import type { EntryRoom, ShapeRoom, SlotRoom } from './rooms.ts';

/** What entries take room of. */
export interface Rooms {
  readonly shapes: ShapeRoom;
  readonly slots: SlotRoom;
  readonly entries: EntryRoom;
}

type Waiting = Pick<Draft, 'state' | 'code' | 'leaves'>;

/** A change that is in one of these has taken its effect. */
const ENDED: ReadonlySet<State> = new Set(['idle', 'expired']);

/** Decides about one key: it stands unless there is a reason why not. Room that it takes is taken from the rooms. */
export function draft(input: PlanInput, key: string, rooms: Rooms): Draft {
  const it = decide(input, key, rooms);
  const withheld = input.withheld?.get(key);
  return withheld === undefined ? it : braked(it, withheld.rev);
}

/** What stands instead of a change that is withheld says so; what does not stand says why not. */
function braked(it: Draft, rev: number): Draft {
  return it.state === 'installed' ? { ...it, rev, state: 'denied', code: 'BRAKE' } : { ...it, rev };
}

function decide(input: PlanInput, key: string, rooms: Rooms): Draft {
  const intent = input.desired.get(key);
  const slot = input.states.get(key)?.slot ?? null;
  if (intent === undefined) return { key, state: 'pending', slot };
  const it = new Candidate(intent, input);
  const against = firstReason(it, rooms.shapes);
  const meanwhile = beforeArmed(it, against);
  if (meanwhile !== undefined) return { key, intent, slot, ...meanwhile };
  if (against !== undefined) return { key, intent, slot, ...against };
  return install(it, slot, rooms);
}

/** What takes effect and can be taken back is not done before the disk has it that its time runs. */
function beforeArmed({ intent, input }: Candidate, against: Objection | undefined): Waiting | undefined {
  if (!input.awaiting.isUnarmed(intent) || input.withheld?.get(intent.key) !== undefined) return undefined;
  if (against !== undefined) return ENDED.has(against.state) ? { state: 'pending', leaves: 'until armed' } : undefined;
  if (input.targets.reaches(intent.match.in)) return { state: 'pending', leaves: 'until armed' };
  return { state: 'blocked', code: 'NOT_ATTACHED', leaves: 'until attached' };
}

function firstReason(it: Candidate, shapes: ShapeRoom): Objection | undefined {
  for (const reason of REASONS) {
    const against = reason(it, shapes);
    if (against !== undefined) return against;
  }
  return undefined;
}

function install(it: Candidate, held: number | null, { shapes, slots, entries }: Rooms): Draft {
  const { intent, input, place, path, shape } = it;
  if ('code' in place || 'code' in path || shape === undefined)
    throw new TypeError(`${intent.key}: a reason is missing`);
  const { key } = intent;
  if (!entries.admits(it.seen)) return { key, intent, slot: held, state: 'denied', code: 'GUARD_DENIED', full: true };
  const slot = held ?? slots.take(it.seen);
  if (slot === undefined) return { key, intent, slot: null, state: 'blocked', code: 'MAP_FULL' };
  shapes.admit(shape);
  const want = { ...place, value: it.value(path, slot) };
  if (input.targets.reaches(intent.match.in)) return { key, intent, slot, state: 'installed', want };
  return { key, intent, slot, state: 'blocked', code: 'NOT_ATTACHED', want };
}
