import type { Migration } from 'kysely/migration';
import type { AnyDatabase } from './dialect.ts';

/** By what a row of `hosts` is known to say as it did, apart from the row, which has all that its host said. */
async function up(db: AnyDatabase): Promise<void> {
  await db.schema.createIndex('hosts_stamp').on('hosts').columns(['host', 'checksum']).execute();
}

export const hostStamps: Migration = { up };
