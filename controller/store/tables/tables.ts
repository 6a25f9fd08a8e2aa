import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';
import { AuditTable } from './audit.ts';
import { AuditNameTable } from './audit-names.ts';
import { ChangeTable } from './changes.ts';
import { DeletionTable } from './deletions.ts';
import { EpochTable } from './epochs.ts';
import { HeadTable } from './heads.ts';
import { HostTable } from './hosts.ts';
import { MarkTable } from './marks.ts';
import { RolloutEvidenceTable } from './rollout-evidence.ts';
import { RolloutHostTable } from './rollout-hosts.ts';
import { RolloutSpecTable } from './rollout-specs.ts';
import { RolloutTable } from './rollouts.ts';
import { SetTable } from './sets.ts';
import { SpecTable } from './specs.ts';
import { SumTable } from './sums.ts';
import { UploadTable } from './uploads.ts';

/** Every table, its statements compiled. */
export class Tables {
  readonly sums: SumTable;
  readonly specs: SpecTable;
  readonly sets: SetTable;
  readonly hosts: HostTable;
  readonly heads: HeadTable;
  readonly marks: MarkTable;
  readonly changes: ChangeTable;
  readonly epochs: EpochTable;
  readonly uploads: UploadTable;
  readonly audit: AuditTable;
  readonly auditNames: AuditNameTable;
  readonly deletions: DeletionTable;
  readonly rollouts: RolloutTable;
  readonly rolloutSpecs: RolloutSpecTable;
  readonly rolloutHosts: RolloutHostTable;
  readonly rolloutEvidence: RolloutEvidenceTable;

  constructor(db: Kysely<Schema>) {
    this.sums = new SumTable(db);
    this.rollouts = new RolloutTable(db);
    this.rolloutSpecs = new RolloutSpecTable(db);
    this.rolloutHosts = new RolloutHostTable(db);
    this.rolloutEvidence = new RolloutEvidenceTable(db);
    this.specs = new SpecTable(db, this.sums, { specs: this.rolloutSpecs, hosts: this.rolloutHosts });
    this.sets = new SetTable(db);
    this.hosts = new HostTable(db);
    this.heads = new HeadTable(db);
    this.marks = new MarkTable(db);
    this.changes = new ChangeTable(db, this.heads);
    this.epochs = new EpochTable(db, this.sums);
    this.uploads = new UploadTable(db);
    this.audit = new AuditTable(db);
    this.auditNames = new AuditNameTable(db);
    this.deletions = new DeletionTable(db);
  }
}
