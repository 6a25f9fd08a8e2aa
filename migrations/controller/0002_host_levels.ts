import type { Migration } from 'kysely/migration';
import { type AnyDatabase, WHOLE } from './dialect.ts';

const WORDS = ['epoch', 'digest', 'boot', 'boots', 'can'] as const;
const NUMBERS = ['stored', 'applied', 'verified', 'exceptions', 'slots', 'shapes', 'seq'] as const;

/** What of a status is asked for by host and level, in columns of its own; null where a release before this one wrote. */
async function up(db: AnyDatabase): Promise<void> {
  for (const name of WORDS) await db.schema.alterTable('hosts').addColumn(name, 'text').execute();
  for (const name of NUMBERS) await db.schema.alterTable('hosts').addColumn(name, WHOLE).execute();
}

export const hostLevels: Migration = { up };
