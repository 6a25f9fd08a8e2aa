import type { Intent } from '../../protocol/intent.ts';
import type { EntryState } from '../model/state.ts';
import type { Decision } from './decision.ts';

/** Remembers something about keys for as long as they are wanted. It may say in the schedule when to look at them again. */
export interface Tracker {
  /** The key is desired, or desired otherwise than before; it is due. */
  wanted?(intent: Intent): void;
  /** It was decided on, and this is where it stands now. */
  settled(decision: Decision, now: EntryState): void;
  /** It is desired no more, and its entry is gone. */
  gone?(key: string): void;
}
