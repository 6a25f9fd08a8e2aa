import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { StoreError, type StoreErrorCode } from '../../../../controller/model/store-error.ts';
import { storeErrorOf } from '../../../../controller/store/sqlite/sqlite-error.ts';

const NAMED: readonly [string, StoreErrorCode, boolean][] = [
  ['SQLITE_BUSY', 'BUSY', false],
  ['SQLITE_BUSY_SNAPSHOT', 'BUSY', false],
  ['SQLITE_FULL', 'FULL', false],
  ['SQLITE_NOTADB', 'FOREIGN', false],
  ['SQLITE_CANTOPEN', 'UNUSABLE', false],
  ['SQLITE_READONLY', 'UNUSABLE', false],
  ['SQLITE_IOERR_FSYNC', 'FAILED', true],
  ['SQLITE_CORRUPT', 'FAILED', true],
];

for (const [sqlite, code, fatal] of NAMED) {
  test(`store error: ${sqlite} is ${code}${fatal ? ', and the end' : ''}`, (t) => {
    const cause = new BetterSqlite3.SqliteError('what it said', sqlite);
    const error = storeErrorOf(cause, '/db');
    t.true(error instanceof StoreError);
    t.like(error, { code, fatal, cause });
  });
}

test('store error: what is not of SQLite stays what it is', (t) => {
  const error = new TypeError('ours');
  t.is(storeErrorOf(error, '/db'), error);
});
