import type { Generated } from 'kysely';

/** The agent's tables as Kysely sees them; migrations/agent makes them. */
export interface Schema {
  readonly cursor: CursorRow;
  readonly intents: IntentRow;
  readonly entries: EntryRow;
  readonly silence: SilenceRow;
  readonly confirmed: ConfirmedRow;
  readonly unconfirmed: UnconfirmedRow;
  readonly boot_time: BootTimeRow;
  readonly events: EventRow;
  readonly brake: BrakeRow;
  readonly withheld: WithheldRow;
}

/** The only row: whose store this is, and which prefix of the log it holds. */
export interface CursorRow {
  readonly id: number;
  readonly host: string;
  readonly epoch: string;
  readonly rev: number;
  readonly digest: string;
  readonly seq: number;
  readonly checksum: string;
}

export interface IntentRow {
  readonly key: string;
  readonly rev: number;
  /** What the intent says, as it is digested. */
  readonly body: string;
  readonly checksum: string;
}

export interface EntryRow {
  readonly key: string;
  readonly slot: number | null;
  readonly rev: number;
  readonly state: string;
  readonly code: string | null;
  readonly errno: string | null;
  readonly since_ms: number;
  readonly installed_at_ms: number | null;
  readonly retry_at_ms: number | null;
  readonly checksum: string;
}

/** Times are jiffies64; counts are 64 bit, as decimal texts. */
export interface SilenceRow {
  readonly key: string;
  readonly armed: number | null;
  readonly packets: string | null;
  readonly bytes: string | null;
  readonly seen: number | null;
  readonly checksum: string;
}

/** The only row: up to where changes of an epoch are confirmed. */
export interface ConfirmedRow {
  readonly id: number;
  readonly epoch: string;
  readonly rev: number;
  readonly checksum: string;
}

/** `deadline_ms` is of the boot that `boot_time` names. */
export interface UnconfirmedRow {
  readonly key: string;
  readonly rev: number;
  readonly op: string;
  readonly name: string;
  readonly within_ms: number;
  readonly previous_rev: number | null;
  readonly previous_body: string | null;
  readonly asleep: number;
  /** JSON of `[rev, deadlineMs, body or null]`; null where there are none. */
  readonly replaced: string | null;
  readonly state: string;
  readonly deadline_ms: number | null;
  readonly checksum: string;
}

/** The only row: which moment it was last. */
export interface BootTimeRow {
  readonly id: number;
  readonly boot: string;
  readonly ms: number;
  readonly checksum: string;
}

export interface EventRow {
  readonly id: Generated<number>;
  readonly key: string | null;
  readonly at_ms: number;
  readonly kind: string;
  readonly body: string;
}

/** The only row; `steps` is JSON. */
export interface BrakeRow {
  readonly id: number;
  readonly seq: number;
  readonly since_ms: number | null;
  readonly steps: string;
  readonly permit: number;
  readonly checksum: string;
}

/** A change that the brake withholds, and the intent that stands meanwhile. */
export interface WithheldRow {
  readonly key: string;
  readonly rev: number;
  readonly last_rev: number;
  readonly last_body: string;
  readonly checksum: string;
}
