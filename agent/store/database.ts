import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { makePrivateDatabase } from '../../daemon/private-file.ts';
import { shortageOf } from '../../daemon/shortage.ts';
import { StoreError } from '../model/store-error.ts';
import { toStoreError } from './failure.ts';
import type { Schema } from './schema.ts';

/** SQLite would wait inside its call, with the process standing still; who calls waits between calls. */
const BUSY_TIMEOUT_MS = 0;
/** Pages of the write-ahead log before SQLite folds it into the database, and what it keeps of a larger one: 16 MiB. */
export const CHECKPOINT_PAGES = 4096;
const PAGE_BYTES = 4096;

/** By name, oldest first; see migrations/agent/index.ts. */
export interface Migrations {
  readonly tables: Readonly<Record<string, Migration>>;
  readonly additions: Readonly<Record<string, Migration>>;
}

export interface OpenDatabase {
  readonly raw: Database.Database;
  readonly queries: Kysely<Schema>;
}

/**
 * Opens the database file, making it (mode 0600, in a directory of mode 0700) and bringing its schema up to date.
 * Errors: StoreError ACCESS, READ_ONLY, BUSY, FULL, IO, DAMAGED, NEWER_SCHEMA.
 */
export async function openDatabase(path: string, { tables, additions }: Migrations): Promise<OpenDatabase> {
  let raw: Database.Database | undefined;
  try {
    raw = connect(path, 'FULL');
    const queries = queriesOn(raw);
    await migrate(raw, queries, path, tables);
    for (const { up } of Object.values(additions)) await up(queries);
    requireOrder(raw, path);
    return { raw, queries };
  } catch (error) {
    raw?.close();
    throw toStoreError(error, path, 'open');
  }
}

/** FULL has a commit on the disk before it returns; NORMAL leaves it to the next FULL one, or to a checkpoint. */
export type Synchronous = 'FULL' | 'NORMAL';

/** Has commits be so until it is disposed; from then on they are FULL. It is no matter of a transaction that is under way. */
export function synchronously(raw: Database.Database, synchronous: Synchronous): Disposable {
  if (synchronous === 'FULL') return { [Symbol.dispose]() {} };
  raw.pragma('synchronous = NORMAL');
  return {
    [Symbol.dispose]() {
      raw.pragma('synchronous = FULL');
    },
  };
}

/** Opens a database file, or makes it. */
export function connect(path: string, synchronous: Synchronous): Database.Database {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  makePrivateDatabase(path);
  try {
    return connectIn('normal', path, synchronous);
  } catch (error) {
    if (shortageOf(error, path)?.of !== 'room') throw error;
    return connectIn('exclusive', path, synchronous);
  }
}

/**
 * In mode `normal` SQLite makes the file `-shm`, which takes room; in `exclusive` it needs none for reading, and others cannot
 * look in. https://www.sqlite.org/wal.html#noshm
 */
function connectIn(mode: 'normal' | 'exclusive', path: string, synchronous: Synchronous): Database.Database {
  const raw = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    raw.pragma(`locking_mode = ${mode}`);
    raw.pragma('journal_mode = WAL');
    raw.pragma('user_version'); // reads, and so fails here if it is to fail
    raw.pragma(`synchronous = ${synchronous}`);
    raw.pragma('foreign_keys = ON');
    raw.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    raw.pragma(`journal_size_limit = ${CHECKPOINT_PAGES * PAGE_BYTES}`);
    return raw;
  } catch (error) {
    raw.close();
    throw error;
  }
}

export function queriesOn(raw: Database.Database): Kysely<Schema> {
  return new Kysely<Schema>({ dialect: new SqliteDialect({ database: raw }) });
}

/** Moves a database that cannot be read out of the way, keeping the newest such file for people to look at. */
export function moveAside(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) {
    const aside = `${path}.damaged${suffix}`;
    rmSync(aside, { force: true });
    if (existsSync(path + suffix)) renameSync(path + suffix, aside);
  }
}

async function migrate(
  raw: Database.Database,
  queries: Kysely<Schema>,
  path: string,
  migrations: Readonly<Record<string, Migration>>,
): Promise<void> {
  const version = Object.keys(migrations).length;
  const found = raw.pragma('user_version', { simple: true }) as number;
  if (found > version) {
    requireNoFlip(raw, path, found);
    throw new StoreError(
      'NEWER_SCHEMA',
      path,
      `schema ${found} is newer than this agent's ${version}; run the newer agent`,
    );
  }
  if (found === version) return;
  await bringUp(raw, queries, path, migrations);
}

/** In a transaction of ours: where SQLite has ended it by itself, as on a full disk, Kysely's would only say that. */
async function bringUp(
  raw: Database.Database,
  queries: Kysely<Schema>,
  path: string,
  migrations: Readonly<Record<string, Migration>>,
): Promise<void> {
  const provider = { getMigrations: async () => ({ ...migrations }) };
  raw.exec('begin immediate');
  try {
    const { error } = await new Migrator({ db: queries, provider, disableTransactions: true }).migrateToLatest();
    if (error instanceof Database.SqliteError) throw error;
    if (error !== undefined) throw new StoreError('DAMAGED', path, `migrate: ${String(error)}`);
    raw.pragma(`user_version = ${Object.keys(migrations).length}`);
    raw.exec('commit');
  } finally {
    if (raw.inTransaction) raw.exec('rollback');
  }
}

/**
 * Finds what SQLite would stumble over at some later write, page by page; 100,000 rows take a fifth of a second. An agent that
 * stumbled would do so again at each start.
 */
function requireOrder(raw: Database.Database, path: string): void {
  const found = String(raw.pragma('integrity_check(1)', { simple: true })).replaceAll('\n', ' ');
  if (found !== 'ok') throw new StoreError('DAMAGED', path, `open: ${found}; the file is damaged`);
}

/** Each migration that was run has a row. A version that is one bit off their number is no newer agent's, but damage. */
function requireNoFlip(raw: Database.Database, path: string, version: number): void {
  const run = raw.prepare('select count(*) from kysely_migration').pluck().get() as number;
  const apart = version ^ run;
  if (apart !== 0 && (apart & (apart - 1)) === 0)
    throw new StoreError('DAMAGED', path, `schema ${version}, and ${run} migrations were run`);
}
