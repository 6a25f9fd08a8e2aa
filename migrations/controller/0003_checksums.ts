import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type AnyDatabase, WHOLE } from './dialect.ts';

const SEALED = ['specs', 'epochs', 'changes', 'heads', 'hosts'] as const;
/** What operators said and what hosts rely on; nothing else has it. */
const COUNTED = ['specs', 'epochs'] as const;

/**
 * A checksum for each row, and how many rows the tables of truth have and what their checksums add up to. Nothing is worked
 * out here: null says that no checksum was given, as where a release before this one wrote, and whoever opens the database
 * fills it in. That release replaces whole rows, and so leaves null; where it adds or deletes one, the sum becomes null.
 */
async function up(db: AnyDatabase): Promise<void> {
  for (const table of SEALED) await db.schema.alterTable(table).addColumn('checksum', 'text').execute();
  for (const table of COUNTED) {
    await db.schema.alterTable('meta').addColumn(`${table}_rows`, WHOLE).execute();
    await db.schema.alterTable('meta').addColumn(`${table}_sum`, 'text').execute();
    await sql`create trigger ${sql.ref(`${table}_added`)} after insert on ${sql.table(table)} when new.checksum is null
      begin update meta set ${sql.ref(`${table}_sum`)} = null; end`.execute(db);
  }
  // Whoever counts blanks the checksum of a row before deleting it.
  await sql`create trigger specs_deleted after delete on specs when old.checksum is not ''
    begin update meta set specs_sum = null; end`.execute(db);
}

export const checksums: Migration = { up };
