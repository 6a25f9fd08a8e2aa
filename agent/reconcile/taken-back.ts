import type { Intent } from '../../protocol/intent.ts';
import type { EntryState } from '../model/state.ts';
import type { Awaiting } from './awaiting.ts';
import { Overlay } from './overlay.ts';

/** What is desired, and where each key stands, as people are told it. */
export interface Told {
  readonly desired: ReadonlyMap<string, Intent>;
  readonly states: ReadonlyMap<string, EntryState>;
}

/**
 * Of a change that was taken back: what the log wants, denied; whatever stands there instead. What it wants gone and stands again is
 * among the desired, too.
 */
export function withTakenBack(told: Told, awaiting: Pick<Awaiting, 'back'>): Told {
  const desired = new Map<string, Intent>();
  const states = new Map<string, EntryState>();
  for (const { row, intent } of awaiting.back()) {
    const { slot = null, sinceMs = 0, installedAtMs } = told.states.get(row.key) ?? {};
    const why = { state: 'denied', code: 'REVERTED', sinceMs } as const;
    states.set(row.key, {
      key: row.key,
      rev: row.rev,
      slot,
      ...why,
      ...(installedAtMs !== undefined && { installedAtMs }),
    });
    if (intent !== undefined) desired.set(row.key, { ...intent, rev: row.rev });
  }
  if (states.size === 0) return told;
  return { desired: new Overlay(told.desired, desired), states: new Overlay(told.states, states) };
}
