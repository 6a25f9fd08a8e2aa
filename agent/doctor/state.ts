import { closeSync, openSync, readFileSync, readSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { agentMigrations } from '../../migrations/agent/index.ts';
import { readBusFile } from '../store/bus-file.ts';
import { DATABASE_NAME } from '../store/sqlite-store.ts';
import { AS_ROOT, type Finding, findings } from './finding.ts';

/** https://www.sqlite.org/fileformat.html: the text at the start, and where the header has the user version. */
const SQLITE_MAGIC = 'SQLite format 3\0';
const USER_VERSION_AT = 60;
const HEADER_BYTES = 100;

const state = findings('state');
const agent = findings('agent');

/** Looks at the state directory, without opening its database: that alone would write beside it. */
export function examineState(directory: string, owner: number | undefined): readonly Finding[] {
  const stat = statOf(directory);
  if (typeof stat === 'string') {
    if (stat !== 'ENOENT') return [state.unseen(`${directory}: ${stat}`, AS_ROOT)];
    return [state.warn(`${directory} is not there; no agent ran yet`, "make it, mode 700, for the agent's user")];
  }
  const mode = stat.mode & 0o777;
  const found: Finding[] = [];
  if (owner !== undefined && stat.uid !== owner)
    found.push(
      state.bad(`${directory} is of user ${stat.uid}, the maps of user ${owner}`, 'chown the one like the other'),
    );
  if ((mode & 0o077) !== 0)
    found.push(state.warn(`${directory} has mode ${mode.toString(8)}: others may look in`, 'chmod 700 it'));
  if (found.length === 0) found.push(state.ok(`${directory} is of user ${stat.uid} alone`));
  return [...found, examineDatabase(join(directory, DATABASE_NAME))];
}

function examineDatabase(path: string): Finding {
  const header = readHeader(path);
  if (header === 'ENOENT') return state.warn(`there is no ${path} yet`, 'the agent makes it at its first start');
  if (typeof header === 'string') return state.unseen(`${path}: ${header}`, AS_ROOT);
  if (header.toString('latin1', 0, SQLITE_MAGIC.length) !== SQLITE_MAGIC)
    return state.bad(`${path} is no database`, 'restart the agent: it moves it aside and fetches everything again');
  const known = Object.keys(agentMigrations).length;
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

/**
 * Looks for a running agent by what it holds: the claim on the maps (an abstract socket, seen from its network
 * namespace), and the lock of the state directory (/proc/locks).
 */
export function examineAgent(directory: string, instance: string | undefined): readonly Finding[] {
  const claimed = claimsOf(readText('/proc/net/unix')).filter((name) => instance === undefined || name === instance);
  const lock = lockHolder(join(directory, 'lock'));
  if (claimed.length > 0 && lock !== 'free') {
    const pid = typeof lock === 'number' && lock > 0 ? ` as process ${lock}` : '';
    return [agent.ok(`runs${pid} and keeps these maps`), ...examineBusFile(directory)];
  }
  if (claimed.length > 0)
    return [agent.warn(`one keeps these maps, with another state directory than ${directory}`, 'name it with --state')];
  if (lock === 'unseen') return [agent.warn('none keeps these maps', 'start shunt agent')];
  if (lock === 'free')
    return [agent.warn('none runs; what it installed goes on, and nothing changes', 'start shunt agent')];
  return [agent.warn(`one holds ${directory}, and keeps other maps`, 'give both the same --pin-root')];
}

/** A running agent leaves word of what keeps it off the bus; of one that is gone it says nothing. */
function examineBusFile(directory: string): readonly Finding[] {
  const trouble = readBusFile(directory);
  if (trouble === undefined) return [];
  const { code, reason, since } = trouble;
  const found = `is not on the bus since ${new Date(since).toISOString()}: ${reason}`;
  return [agent.bad(found, MENDS[code] ?? 'it tries again by itself; is there a server, and a way to it?')];
}

/** What keeps an agent off the bus, and people have to mend; it tries again by itself every half minute. */
const MENDS: Readonly<Record<string, string>> = {
  REFUSED: 'write the file of its --creds anew, or let this user in on the server; it tries again by itself',
  NO_CREDS: 'write the file of its --creds anew; it tries again by itself',
};

function claimsOf(sockets: string): readonly string[] {
  return [...sockets.matchAll(/@shunt-agent\/([0-9a-f]+)/g)].map(([, instance = '']) => instance);
}

/** The process that holds the lock; `unseen` where this user may not look into the directory. */
function lockHolder(path: string): number | 'free' | 'unseen' {
  const stat = statOf(path);
  if (stat === 'ENOENT') return 'free';
  if (typeof stat === 'string') return 'unseen';
  const held = new RegExp(`FLOCK +ADVISORY +WRITE +(-?\\d+) \\S+:${stat.ino} `).exec(readText('/proc/locks'));
  return held === null ? 'free' : Number(held[1]);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** What is there, or the errno of looking. */
function statOf(path: string): Stats | string {
  try {
    return statSync(path);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}
