import type { Migration } from 'kysely/migration';
import { start } from './0001_start.ts';
import { silence } from './0002_silence.ts';
import { unconfirmed } from './0003_unconfirmed.ts';
import { brake } from './0004_brake.ts';

/** Migrations by name, oldest first. */
type Migrations = Readonly<Record<string, Migration>>;

/** The agent's tables; their number is the schema's version, and an agent that knows fewer refuses the store. */
const tables: Migrations = Object.freeze({ '0001_start': start });

/**
 * What was added beside them, in such a way that an agent of a release before it may go on with the store, or go back to it. Each
 * is run at every start, and does nothing where it is there.
 */
const additions: Migrations = Object.freeze({
  '0002_silence': silence,
  '0003_unconfirmed': unconfirmed,
  '0004_brake': brake,
});

export const agentMigrations = Object.freeze({ tables, additions });
