import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { whoElseCouldExchange, whyNotOurFile } from './own-folder.ts';

/** What SQLite keeps beside a database. It makes them with the mode of that, and leaves those that are there as they are. */
const BESIDE = ['-wal', '-shm', '-journal'];

/** What somebody else has put there, or could put there in a moment, is not used: its message says what, and what to do. */
export class ExposedError extends Error {
  static {
    ExposedError.prototype.name = 'ExposedError';
  }
}

/** Refuses a folder that somebody else than this user and root could write to, or move away. Errors: ExposedError. */
export function requireOwnFolder(path: string): void {
  const why = whoElseCouldExchange(path);
  if (why !== undefined) throw new ExposedError(why);
}

/** Refuses what is no regular file, or is neither this user's nor root's; one that is absent is fine. Errors: ExposedError. */
export function requireOwnFile(path: string): void {
  const why = whyNotOurFile(path);
  if (why !== undefined) throw new ExposedError(why);
}

/**
 * Makes the file of a database where there is none, of mode 0600 whatever the umask, and shuts others out of it and of what
 * stands beside it. A file that is there is not opened: to close it would drop the locks that this process has on it.
 * Errors: ExposedError, those of the file system; EPERM for a file of root that others may read or write.
 */
export function makePrivateDatabase(path: string): void {
  requireOwnFolder(dirname(path));
  const files = ['', ...BESIDE].map((suffix) => path + suffix);
  for (const file of files) requireOwnFile(file);
  if (!existsSync(path)) closeSync(openPrivate(path, constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY));
  for (const file of files) shutOthersOut(file);
}

/** Puts a file of mode 0600 with this text at the path, whole or not at all. Errors: those of the file system. */
export function replacePrivateFile(path: string, text: string): void {
  const made = `${path}.new`;
  rmSync(made, { force: true });
  const fd = openPrivate(made, constants.O_EXCL | constants.O_CREAT | constants.O_WRONLY);
  try {
    writeFileSync(fd, text);
  } finally {
    closeSync(fd);
  }
  renameSync(made, path);
}

/** Takes from group and others what they may do with a file; one that is absent, or no file, is left. */
export function shutOthersOut(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() === true && (stat.mode & 0o077) !== 0) chmodSync(path, stat.mode & 0o700);
}

function openPrivate(path: string, flags: number): number {
  const fd = openSync(path, flags | constants.O_NOFOLLOW, 0o600);
  fchmodSync(fd, 0o600);
  return fd;
}
