/** A redirect that stands on hosts and would not by the specs that are left. */
export interface Unfounded {
  readonly name: string;
  /** On how many hosts. */
  readonly hosts: number;
  /** There is no spec of that name. */
  readonly gone: boolean;
}

/** The specs are not those that operators gave: some are missing, or are others. */
export interface Damage {
  /** How many there are fewer than were counted. */
  readonly lost: number;
  /** By name. */
  readonly standing: readonly Unfounded[];
}

/** How many specs are gone that stand nowhere, so that nobody knows their names. */
export function namelessOf({ lost, standing }: Damage): number {
  return Math.max(0, lost - standing.filter(({ gone }) => gone).length);
}
