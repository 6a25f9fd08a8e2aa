import type { Migration } from 'kysely/migration';
import { start } from './0001_start.ts';

/** Every migration of the controller's database, oldest first, by the name that the database keeps of it. */
export const controllerMigrations: Readonly<Record<string, Migration>> = Object.freeze({ '0001_start': start });
