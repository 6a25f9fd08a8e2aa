import { join } from 'node:path';
import type { Clock } from '../../daemon/clock.ts';
import type { Patience } from '../../daemon/patiently.ts';
import { NO_CURSOR } from '../../protocol/cursor.ts';
import { addDigest, EMPTY_DIGEST } from '../../protocol/digest.ts';
import { StoreError } from '../model/store-error.ts';
import { AwaitedTables } from './awaited-tables.ts';
import { BrakeTable } from './brake-table.ts';
import { CursorTable, type Position } from './cursor-row.ts';
import { type Migrations, type OpenDatabase, openDatabase } from './database.ts';
import { EntryTable } from './entry-table.ts';
import { toStoreError } from './failure.ts';
import { IntentTable } from './intent-table.ts';
import { sameFile } from './same-file.ts';

export const DATABASE_NAME = 'agent.db';

/** Whoever else opens the database, to copy it or to look, is through with its lock by then; else it is busy for now. */
const BUSY_LIMIT_MS = 1_000;

/** Where a store lives, and whose it is. */
export interface StorePlace {
  /** The host's state directory. */
  readonly directory: string;
  readonly host: string;
  /** `migrations/agent`, oldest first. */
  readonly migrations: Migrations;
  /** By which it is waited for a lock that another process holds, and others have their turn. */
  readonly clock: Pick<Clock, 'monotonicMs' | 'delay' | 'turn'>;
}

/** An open database with what is prepared on it. */
export interface Tables {
  readonly database: OpenDatabase;
  readonly cursor: CursorTable;
  readonly intents: IntentTable;
  readonly entries: EntryTable;
  readonly awaited: AwaitedTables;
  readonly brake: BrakeTable;
  /** Errors: StoreError REPLACED when its path no longer leads to it. */
  readonly requireSame: () => void;
}

export function pathIn({ directory }: StorePlace): string {
  return join(directory, DATABASE_NAME);
}

/** How long whoever uses it waits for a lock that another process holds. */
export function patienceBy({ clock }: StorePlace): Patience {
  return { isBusy: (error) => error instanceof StoreError && error.code === 'BUSY', limitMs: BUSY_LIMIT_MS, clock };
}

export async function openTables(place: StorePlace): Promise<Tables> {
  const path = pathIn(place);
  const database = await openDatabase(path, place.migrations);
  try {
    const entries = new EntryTable(database);
    const tables = {
      database,
      cursor: new CursorTable(database),
      intents: new IntentTable(database),
      entries,
      awaited: new AwaitedTables(database, () => entries.disarm()),
      brake: new BrakeTable(database),
      requireSame: sameFile(path),
    };
    claim(tables.cursor, place.host, path);
    return tables;
  } catch (error) {
    database.raw.close();
    throw toStoreError(error, path, 'open');
  }
}

/** Makes a new store this host's, and refuses another's. */
function claim(cursor: CursorTable, host: string, path: string): void {
  const found = cursor.read();
  if (found === undefined) {
    cursor.write({ host, cursor: NO_CURSOR, digest: EMPTY_DIGEST, seq: 0 });
  } else if (typeof found === 'object' && found.host !== host) {
    throw new StoreError(
      'OTHER_HOST',
      path,
      `belongs to host ${found.host}, and this is ${host}; use its own state directory`,
    );
  }
}

/** A row that is damaged, or cannot be read, claims nothing. */
export function readPosition(
  cursor: CursorTable,
  host: string,
): Position & { readonly sound: boolean; readonly newer: boolean } {
  const found = cursor.read();
  if (typeof found === 'object') return { ...found, sound: true, newer: false };
  return { host, cursor: NO_CURSOR, digest: EMPTY_DIGEST, seq: 0, sound: false, newer: found === 'newer' };
}

export function isWhole(set: { readonly sum: bigint; readonly sound: boolean }, { digest }: Position): boolean {
  return set.sound && addDigest(EMPTY_DIGEST, set.sum) === digest;
}
