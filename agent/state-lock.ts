import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ExposedError, requireOwnFile, requireOwnFolder, shutOthersOut } from '../daemon/private-file.ts';
import { errnoOf, shortageByErrno } from '../daemon/shortage.ts';
import type { LockHandle, Native } from '../native/index.ts';
import { errnoName } from './kernel/errno.ts';
import { likelyHolder } from './kernel/processes.ts';
import { StartError } from './start-error.ts';

const MAKE_IT = "make it as root and chown it to the agent's user";
const STATE_ERRNOS: Readonly<Record<string, string>> = {
  EACCES: "the state directory must be the agent's own: chown it, chmod 700",
  EROFS: 'its file system is read-only',
  ENOLCK: 'its file system has no locks left, or none at all: take a local one',
  ELOOP: 'it is a symbolic link: remove it',
  EISDIR: 'it is a folder: remove it',
  ENOTDIR: 'a part of its path is no folder',
  EEXIST: 'there is something else of that name',
};

/** One agent a state directory: the lock goes with the process, however it ends. Errors: StartError. */
export function lockState(native: Pick<Native, 'lockFile'>, state: string): LockHandle {
  makeState(state);
  const path = join(state, 'lock');
  const lock = native.lockFile(path);
  if (typeof lock !== 'number') {
    shutOthersOut(path); // whoever can open it could hold the lock at the next start
    return lock;
  }
  const errno = errnoName(lock);
  if (errno === 'EAGAIN')
    throw new StartError(`lock ${path}: another agent runs on this state directory${holderOf(path)}; stop it first`);
  throw new StartError(`lock ${path}: ${errno}; ${stateAdvice(errno) ?? 'see open(2) and flock(2)'}`);
}

/** What it is made in is looked at before, and what came of it after: somebody may have been faster. */
function makeState(state: string): void {
  try {
    requireOwnFolder(state);
    mkdirSync(state, { recursive: true, mode: 0o700 });
    requireOwnFolder(state);
    requireOwnFile(join(state, 'lock'));
  } catch (error) {
    if (error instanceof ExposedError) throw new StartError(`use the state directory ${state}: ${error.message}`);
    const code = errnoOf(error);
    const advice = code === 'EACCES' || code === 'EPERM' ? MAKE_IT : (stateAdvice(code) ?? 'see mkdir(2)');
    throw new StartError(`make the state directory ${state}: ${code}; ${advice}`);
  }
}

function stateAdvice(code: string): string | undefined {
  return STATE_ERRNOS[code] ?? shortageByErrno(code)?.why;
}

/** One of another pid namespace has no number here. */
function holderOf(path: string): string {
  const pid = likelyHolder(path) ?? 0;
  return pid === 0 ? '' : ` (process ${pid})`;
}
