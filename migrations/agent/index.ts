import type { Migration } from 'kysely/migration';
import { start } from './0001_start.ts';

/** Every migration of the agent's store, oldest first; their number is the schema's version. */
export const agentMigrations: Readonly<Record<string, Migration>> = Object.freeze({ '0001_start': start });
