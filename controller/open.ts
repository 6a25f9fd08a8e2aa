import type { Clock } from '../daemon/clock.ts';
import { controllerMigrations } from '../migrations/controller/index.ts';
import { SqlDesk } from './desk/sql-desk.ts';
import { SqlLogs } from './log/sql-logs.ts';
import { Work } from './log/work.ts';
import type { Damage } from './model/damage.ts';
import type { StoreError } from './model/store-error.ts';
import type { Counting, Desk, Logs, Rollouts, Roster, Upkeep } from './ports.ts';
import { PACE, type Pace } from './rollout/pace.ts';
import { SqlRollouts } from './rollout/sql-rollouts.ts';
import { SqlRoster } from './roster/sql-roster.ts';
import type { Database } from './store/session.ts';
import { SqliteDatabase } from './store/sqlite/database.ts';
import { Tables } from './store/tables/tables.ts';

/** What the services stand on: three ports over one database, which closes with them. */
export interface Ports extends AsyncDisposable {
  readonly desk: Desk;
  readonly logs: Logs;
  readonly roster: Roster & Upkeep;
  /** Rollouts, judged by what hosts count. */
  readonly rollouts: (counting: Counting, pace?: Pace) => Rollouts;
}

/** Hears what was found damaged and put right, and what an operator has to put right. */
export type OnDamage = (mended: readonly string[], damage: Damage | undefined) => void;

/**
 * Opens the database, and makes it when it is not there; several controllers may share one. `onFatal` is called when it
 * is no longer to be trusted: the process is to end. Errors: StoreError.
 */
export async function openPorts(
  path: string,
  clock: Clock,
  onFatal: (error: StoreError) => void,
  onDamage?: OnDamage,
): Promise<Ports> {
  const database = await SqliteDatabase.open(path, { migrations: controllerMigrations, clock });
  return portsOver(database, new Tables(database.compiler), clock, onFatal, onDamage);
}

/** The ports over a database that is open; it closes with them, and when they cannot be had. Errors: StoreError. */
export async function portsOver(
  database: Database,
  tables: Tables,
  clock: Clock,
  onFatal: (error: StoreError) => void,
  onDamage: OnDamage = () => {},
): Promise<Ports> {
  await using parts = new AsyncDisposableStack();
  parts.use(database);
  const work = await Work.begin({ database, tables, clock, onFatal, onDamage });
  const open = parts.move();
  return {
    desk: new SqlDesk(work),
    logs: new SqlLogs(work),
    roster: new SqlRoster(work),
    rollouts: (counting, pace = PACE) => new SqlRollouts({ work, counting, pace }),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
