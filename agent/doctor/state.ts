import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { whoElseCouldExchange } from '../../daemon/own-folder.ts';
import { agentMigrations } from '../../migrations/agent/index.ts';
import { DATABASE_NAME } from '../store/tables.ts';
import { asRoot, type Finding, findings } from './finding.ts';
import { statOf } from './stat.ts';

/** https://www.sqlite.org/fileformat.html: the text at the start, and where the header has the user version. */
const SQLITE_MAGIC = 'SQLite format 3\0';
const USER_VERSION_AT = 60;
const HEADER_BYTES = 100;

const state = findings('state');

/** Looks at the state directory, without opening its database: that alone would write beside it. */
export function examineState(directory: string, owner: number | undefined): readonly Finding[] {
  const stat = statOf(directory);
  if (typeof stat === 'string') {
    if (stat !== 'ENOENT') return [state.unseen(`${directory}: ${stat}`, asRoot())];
    return [state.warn(`${directory} is not there; no agent ran yet`, "make it, mode 700, for the agent's user")];
  }
  const mode = stat.mode & 0o777;
  const found: Finding[] = [];
  if (owner !== undefined && stat.uid !== owner)
    found.push(
      state.bad(
        `${directory} is of user ${stat.uid}, the maps of user ${owner}`,
        `if the agent runs as user ${stat.uid}: shunt detach, then shunt attach with --owner ${stat.uid}; if as user ${owner}: chown the folder`,
      ),
    );
  if ((mode & 0o077) !== 0)
    found.push(state.warn(`${directory} has mode ${mode.toString(8)}: others may look in`, 'chmod 700 it'));
  found.push(...examineWay(directory, stat.uid));
  if (found.length === 0) found.push(state.ok(`${directory} is of user ${stat.uid} alone`));
  return [...found, examineDatabase(join(directory, DATABASE_NAME))];
}

/** Where somebody else could put another in its place, an agent of this user does not start. */
function examineWay(directory: string, uid: number): readonly Finding[] {
  const why = whoElseCouldExchange(directory, uid);
  if (why === undefined) return [];
  const at = why.lastIndexOf('; ');
  return [state.bad(`no agent starts on ${directory}: ${why.slice(0, at)}`, why.slice(at + 2))];
}

function examineDatabase(path: string): Finding {
  const header = readHeader(path);
  if (header === 'ENOENT') return state.warn(`there is no ${path} yet`, 'the agent makes it at its first start');
  if (typeof header === 'string') return state.unseen(`${path}: ${header}`, asRoot());
  if (header.toString('latin1', 0, SQLITE_MAGIC.length) !== SQLITE_MAGIC)
    return state.bad(`${path} is no database`, 'restart the agent: it moves it aside and fetches everything again');
  const known = Object.keys(agentMigrations.tables).length;
  const schema = header.readUInt32BE(USER_VERSION_AT);
  if (schema > known)
    return state.bad(`${path} has schema ${schema}, and this program knows ${known}`, 'run the newer agent');
  if (schema === known) return state.ok(`${path}: schema ${schema}`);
  const written = typeof statOf(`${path}-wal`) !== 'string';
  return state.ok(
    `${path}: ${written ? 'its schema is in its write-ahead log' : `schema ${schema}, of an older release`}`,
  );
}

function readHeader(path: string): Buffer | string {
  const stat = statOf(path);
  if (typeof stat === 'string') return stat;
  if (!stat.isFile()) return 'it is no file';
  try {
    const fd = openSync(path, 'r');
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(fd, header, 0, HEADER_BYTES, 0);
    closeSync(fd);
    return header;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}
