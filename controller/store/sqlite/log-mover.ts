/**
 * Moves the write-ahead log of a database into it: `node controller/store/sqlite/log-mover.ts FILE`. Of a large log that takes a second, in
 * which the process that does it does nothing else.
 */
import BetterSqlite3 from 'better-sqlite3';

const [path = ''] = process.argv.slice(2);
const database = new BetterSqlite3(path, { fileMustExist: true });
database.pragma('wal_checkpoint(passive)');
database.close();
