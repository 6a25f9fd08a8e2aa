import {
  chmodSync,
  closeSync,
  existsSync,
  fchmodSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';

/** What SQLite keeps beside a database. It makes them with the mode of that, and leaves those that are there as they are. */
const BESIDE = ['-wal', '-shm', '-journal'];

/**
 * Makes the file of a database where there is none, of mode 0600 whatever the umask, and shuts others out of it and of what
 * stands beside it. A file that is there is not opened: to close it would drop the locks that this process has on it.
 * Errors: those of the file system; EPERM for a file of somebody else that others may read or write.
 */
export function makePrivateDatabase(path: string): void {
  if (!existsSync(path)) closeSync(openPrivate(path, 'a'));
  const real = realpathSync(path);
  for (const file of [real, ...BESIDE.map((suffix) => real + suffix)]) shutOthersOut(file);
}

/** Puts a file of mode 0600 with this text at the path, whole or not at all. Errors: those of the file system. */
export function replacePrivateFile(path: string, text: string): void {
  const made = `${path}.new`;
  rmSync(made, { force: true });
  const fd = openPrivate(made, 'wx');
  try {
    writeFileSync(fd, text);
  } finally {
    closeSync(fd);
  }
  renameSync(made, path);
}

/** Takes from group and others what they may do with a file; one that is absent, or no file, is left. */
export function shutOthersOut(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() === true && (stat.mode & 0o077) !== 0) chmodSync(path, stat.mode & 0o700);
}

function openPrivate(path: string, flags: 'a' | 'wx'): number {
  const fd = openSync(path, flags, 0o600);
  fchmodSync(fd, 0o600);
  return fd;
}
