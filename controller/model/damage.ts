import type { Unfounded } from '../../protocol/damage.ts';

/** The specs are not those that operators gave: some are missing, or are others. */
export interface Damage {
  /** How many there are fewer than were counted. */
  readonly lost: number;
  /** What stands on hosts and would not by the specs that are left, by name. */
  readonly standing: readonly Unfounded[];
}

/** How many specs are gone that stand nowhere, so that nobody knows their names. */
export function namelessOf({ lost, standing }: Damage): number {
  return Math.max(0, lost - standing.filter(({ gone }) => gone).length);
}
