import type { Migration } from 'kysely/migration';
import { start } from './0001_start.ts';
import { hostLevels } from './0002_host_levels.ts';
import { checksums } from './0003_checksums.ts';
import { holders } from './0004_holders.ts';
import { changes } from './0005_changes.ts';
import { sets } from './0006_sets.ts';
import { marks } from './0007_marks.ts';
import { rollouts } from './0008_rollouts.ts';
import { hostStamps } from './0009_host_stamps.ts';

/** Migrations by the name that a database keeps of them, oldest first. */
type Migrations = Readonly<Record<string, Migration>>;

/** The controller's tables. A release that does not know one of these refuses the database. */
const tables: Migrations = Object.freeze({ '0001_start': start });

/**
 * What was added in such a way that a release before it may go on with the database, or go back to it: columns that are
 * null where that release writes, tables that it does not know, and indexes. The database keeps their names apart, where that release does not look.
 */
const additions: Migrations = Object.freeze({
  '0002_host_levels': hostLevels,
  '0003_checksums': checksums,
  '0004_holders': holders,
  '0005_changes': changes,
  '0006_sets': sets,
  '0007_marks': marks,
  '0008_rollouts': rollouts,
  '0009_host_stamps': hostStamps,
});

export const controllerMigrations = Object.freeze({ tables, additions });
