import { closeSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { readFault } from '../daemon/read-fault.ts';
import { shellWord } from '../protocol/plain.ts';
import { BusError } from './error.ts';

/** Reads a file that the operator named. `what` is what it is, as messages say it. Errors: BusError NO_CREDS. */
export function readNamed(path: string, what: string): Buffer {
  return read(path, what, () => undefined);
}

/** The same of one that nobody else may read. Errors: BusError NO_CREDS, also where others may. */
export function readSecret(path: string, what: string): Buffer {
  return read(path, what, exposureOf);
}

/** A secret of one line: a password, a token. Errors: BusError NO_CREDS. */
export function readLine(path: string, what: string): string {
  const line = readSecret(path, what)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (line !== '') return line;
  throw unusable(path, what, 'it is empty');
}

/** What is in the file cannot be used. No message ever says what that is. */
export function unusable(path: string, what: string, reason: string): BusError {
  return new BusError('NO_CREDS', `read the ${what} ${path}`, reason);
}

function read(path: string, what: string, objection: (stat: Stats, path: string) => string | undefined): Buffer {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const reason = objection(fstatSync(fd), path);
    if (reason !== undefined) throw unusable(path, what, reason);
    return readFileSync(fd);
  } catch (error) {
    throw error instanceof BusError ? error : unusable(path, what, readFault(error as NodeJS.ErrnoException));
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * Who else can read it. A file of another owner, such as root, may be for a group that this user is in; what is our own is for
 * us alone.
 */
function exposureOf({ mode, uid }: Stats, path: string): string | undefined {
  const others = uid === process.geteuid?.() ? 0o077 : 0o007;
  if ((mode & others) === 0) return undefined;
  return `others can read it or write to it (mode ${(mode & 0o777).toString(8).padStart(4, '0')}); chmod 600 ${shellWord(path)}`;
}
