import { closeSync, constants, fsyncSync, openSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { constants as system } from 'node:os';
import { dirname } from 'node:path';

/** The system has no more to give: room to write, or open files. Trying again later is right; `why` is what to do, too. */
export interface Shortage {
  readonly of: 'room' | 'files';
  readonly why: string;
}

const BY_ERRNO: Readonly<Record<string, Shortage>> = {
  ENOSPC: { of: 'room', why: 'its file system is full; make room there' },
  EDQUOT: { of: 'room', why: 'the quota of this user there is used up; make room there, or raise the quota' },
  EFBIG: {
    of: 'room',
    why: 'a file may be no larger; raise the limit of this process (ulimit -f, LimitFSIZE), or take another file system',
  },
  EMFILE: { of: 'files', why: 'this process has too many files open; raise its limit (ulimit -n, LimitNOFILE)' },
  ENFILE: { of: 'files', why: 'this host has too many files open; raise sysctl fs.file-max' },
};

/**
 * SQLite says ENOSPC of a write in a word of its own (SQLITE_FULL). Of all other errno it says only where they came: these, for
 * what a shortage brings. Not where a sync failed: what is on the disk then, nobody knows. https://www.sqlite.org/rescode.html
 */
const UNTOLD = /^SQLITE_(IOERR_(WRITE|TRUNCATE|SHMOPEN|SHMSIZE|SHMMAP)|CANTOPEN(_\w+)?)$/;
/** Two connections have so many open at once: the database, its log and the index of that, each, a journal and the folder. */
const TRIED_FILES = 8;
/** More than SQLite writes at once beside a database: 32 KiB of an index of its log. */
const TRIED_BYTES = 64 * 1024;

/** Answers which shortage an errno is, by its name; undefined where it is none. */
export function shortageByErrno(errno: string): Shortage | undefined {
  return BY_ERRNO[errno];
}

/**
 * Answers which shortage made an error of the file system, or of SQLite on the database `path`; undefined where none did.
 * Where SQLite keeps it to itself, what it tried is tried again, with a file beside the database that is gone at once.
 */
export function shortageOf(error: unknown, path: string): Shortage | undefined {
  const code = errnoOf(error);
  if (code === 'SQLITE_FULL') return BY_ERRNO.ENOSPC;
  return shortageByErrno(UNTOLD.test(code) ? errnoOfWriting(path) : code);
}

/** The code of an error; empty where it has none. Node.js itself has no name for EDQUOT, and says its number. */
export function errnoOf(error: unknown): string {
  const { code, errno } = (error ?? {}) as { readonly code?: unknown; readonly errno?: unknown };
  if (errno === -system.errno.EDQUOT) return 'EDQUOT';
  return typeof code === 'string' ? code : '';
}

function errnoOfWriting(path: string): string {
  const tried = `${path}.room`;
  using opened = new DisposableStack();
  try {
    const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
    const fd = opened.adopt(openSync(tried, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600), closeSync);
    opened.defer(() => unlinkSync(tried));
    for (let files = 1; files < TRIED_FILES; files += 1) opened.adopt(openSync(dirname(path), 'r'), closeSync);
    write(fd, Math.max(...[path, `${path}-wal`].map(sizeOf)));
    fsyncSync(fd);
    return '';
  } catch (error) {
    return errnoOf(error);
  }
}

/** Where the database would grow, for a limit is one of sizes; what is before that, takes no room. */
function write(fd: number, from: number): void {
  const bytes = Buffer.alloc(TRIED_BYTES, 1);
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, from + done);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
