import type { Generated } from 'kysely';
import type { What } from '../../protocol/history.ts';
import type { RolloutHostState, RolloutState, RolloutStep } from '../../protocol/rollout.ts';

/** Rows as they are stored; nothing outside this folder sees them. Booleans are 0 or 1. */
export interface Schema {
  readonly meta: MetaRow;
  readonly specs: SpecRow;
  readonly sets: SetRow;
  readonly hosts: HostRow;
  readonly changes: ChangeRow;
  readonly heads: HeadRow;
  readonly marks: MarkRow;
  readonly epochs: EpochRow;
  readonly upload_parts: UploadPartRow;
  readonly audit: AuditRow;
  readonly audit_hosts: AuditHostRow;
  readonly audit_names: AuditNameRow;
  readonly deletions: DeletionRow;
  readonly rollouts: RolloutRow;
  readonly rollout_specs: RolloutSpecRow;
  readonly rollout_hosts: RolloutHostRow;
  readonly rollout_evidence: RolloutEvidenceRow;
  readonly rollout_names: RolloutNameRow;
  readonly rollout_keys: RolloutKeyRow;
}

/** One row, `id` 1. */
export interface MetaRow {
  readonly id: number;
  readonly database_id: string;
  /** The newest rev given to any change of any host. */
  readonly last_rev: number;
  /** How many rows `specs` and `epochs` have, and what their checksums add up to; a sum is null where a release wrote that does not count. */
  readonly specs_rows: number | null;
  readonly specs_sum: string | null;
  readonly epochs_rows: number | null;
  readonly epochs_sum: string | null;
}

/** Over all other columns; null where a release wrote that does not know it. */
interface Sealed {
  readonly checksum: string | null;
}

export interface SpecRow extends Sealed {
  readonly name: string;
  /** `keyOf` its match. */
  readonly key: string;
  /** JSON of its selector. */
  readonly hosts: string;
  readonly enabled: number;
  readonly priority: number;
  /** `intentBody` of what it compiles to, the same on every host. */
  readonly body: string;
  /** JSON of `specToJson`. */
  readonly spec: string;
}

/** The set that a redirect is in. One that is in none has no row; a row without its redirect says nothing. */
export interface SetRow extends Sealed {
  readonly name: string;
  readonly set_name: string;
}

/** A host that has reported. */
export interface HostRow extends Sealed {
  readonly host: string;
  /** JSON. */
  readonly labels: string;
  /** JSON of its last status. */
  readonly status: string;
  readonly seen_at_ms: number;
  /** From here on what `status` says, too; null where a release that has no such columns wrote the row. */
  readonly epoch: string | null;
  readonly stored: number | null;
  readonly applied: number | null;
  readonly verified: number | null;
  readonly digest: string | null;
  readonly exceptions: number | null;
  /** Redirects that it has room for, and shapes that each address family may have, where it says so. */
  readonly slots: number | null;
  readonly shapes: number | null;
  readonly boot: string | null;
  /** Null also where the agent does not count. */
  readonly seq: number | null;
  /** JSON lists: what its agent can; what was heard last of each of its last starts, the newest first (`Heard`, or of an earlier release its name alone). */
  readonly can: string | null;
  readonly boots: string | null;
}

/** The newest change of a key on a host; a deleted key leaves a tombstone with an empty name, and a body only if it is to be confirmed. */
export interface ChangeRow extends Sealed {
  readonly host: string;
  readonly key: string;
  readonly rev: number;
  readonly op: 'put' | 'delete';
  readonly name: string;
  readonly body: string;
  readonly at_ms: number;
}

export interface HeadRow extends Sealed {
  readonly host: string;
  /** The newest rev of a change for this host. */
  readonly rev: number;
  /** Tombstones up to this rev may be gone. */
  readonly floor: number;
  /** Of all that the host is to hold at `rev`. */
  readonly digest: string;
}

/** What the controller grants a host, up to a rev; 0 is nothing. */
export interface MarkRow extends Sealed {
  readonly host: string;
  readonly confirmed: number;
  readonly permit: number;
  /** Counted over all hosts, one for each that was raised. */
  readonly moved: number;
}

/** An epoch ends where the next one begins; rows are never removed. */
export interface EpochRow extends Sealed {
  readonly epoch: string;
  readonly ordinal: number;
  readonly first_rev: number;
  readonly superseded: number;
}

export interface UploadPartRow {
  readonly upload: string;
  readonly part: number;
  readonly parts: number;
  /** JSON list of specs, as they came. */
  readonly specs: string;
  readonly at_ms: number;
}

/** What was asked and done. What follows `detail` is null where a release before the table of changes wrote. */
export interface AuditRow {
  readonly id: Generated<number>;
  readonly at_ms: number;
  readonly verb: string;
  /** JSON. */
  readonly detail: string;
  /** Its id for operators. */
  readonly change: string | null;
  /** Who asked for it, by their own word. */
  readonly actor: string | null;
  /** JSON list of the files it is from. */
  readonly sources: string | null;
  readonly reason: string | null;
  /** The revs that it gave, of all hosts; the last is less than the first where it gave none. */
  readonly first_rev: number | null;
  readonly last_rev: number | null;
  /** How many rows `audit_hosts` and `audit_names` have of it. */
  readonly hosts: number | null;
  readonly names: number | null;
  /** The rollout that it is a step of. */
  readonly rollout: string | null;
}

/** A host that got a change, and its own newest rev of it. */
export interface AuditHostRow {
  readonly audit: number;
  readonly host: string;
  readonly rev: number;
}

/** A redirect that a change created, changed or deleted. */
export interface AuditNameRow {
  readonly audit: number;
  readonly name: string;
  readonly key: string;
  readonly what: What;
  /** Of one that was deleted: on how many hosts it stood. */
  readonly hosts: number;
}

/** A redirect that was deleted from a host, and the rev that tells the host so. Of hosts that confirmed it, rows go in time. */
export interface DeletionRow {
  readonly name: string;
  readonly host: string;
  readonly rev: number;
  readonly audit: number;
}

/** A change that goes in waves; it is under way until `ended_ms` says when it ended. */
export interface RolloutRow extends Sealed {
  readonly id: string;
  readonly state: RolloutState;
  /** Null where the state has none. */
  readonly step: RolloutStep | null;
  readonly wave: number;
  /** Grows with each change of the row: whoever changes it names the one that he saw. */
  readonly version: number;
  /** JSON of all else that the state says, `Progress`. */
  readonly progress: string;
  /** JSON of `Plan`: what was asked for at the start. */
  readonly plan: string;
  readonly plan_hash: string;
  /** The newest when it was started or resumed; one that is superseded stops it. */
  readonly epoch: string;
  readonly started_ms: number;
  readonly changed_ms: number;
  readonly ended_ms: number | null;
  /** Who started it, from which files and why, as in `audit`. */
  readonly actor: string | null;
  readonly sources: string | null;
  readonly reason: string | null;
}

/** A redirect that a rollout changes, as it was and as it is to be, JSON of `specToJson`; null where it is not there. */
export interface RolloutSpecRow extends Sealed {
  readonly rollout: string;
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly before_key: string | null;
  readonly after_key: string | null;
  /** JSON of what `after` asks of hosts, as `specs` has it in columns. */
  readonly claim: string | null;
}

export interface RolloutHostRow extends Sealed {
  readonly rollout: string;
  readonly host: string;
  /** In the order in which hosts have their turn. */
  readonly place: number;
  readonly wave: number;
  readonly state: RolloutHostState;
  /** What it was told last by the rollout; 0 before. */
  readonly rev: number;
  /** JSON of what was wrong on it before. */
  readonly baseline: string;
}

/** What was done and why, the last of each rollout. */
export interface RolloutEvidenceRow {
  readonly rollout: string;
  readonly number: number;
  readonly at_ms: number;
  readonly what: string;
  readonly wave: number;
  /** JSON. */
  readonly detail: string;
}

export interface RolloutNameRow {
  readonly name: string;
  readonly rollout: string;
}

export interface RolloutKeyRow {
  readonly key: string;
  readonly rollout: string;
}
