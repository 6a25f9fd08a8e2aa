import type { Migration } from 'kysely/migration';
import type { AnyDatabase } from './dialect.ts';

/** Where a key stands is answered by its index alone: on 1,000 hosts, each row would be looked for in another page. */
async function up(db: AnyDatabase): Promise<void> {
  await db.schema.dropIndex('changes_key').execute();
  await db.schema.createIndex('changes_key').on('changes').columns(['key', 'op', 'name', 'rev']).execute();
}

export const holders: Migration = { up };
