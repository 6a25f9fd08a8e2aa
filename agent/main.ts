import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAccess } from '../bus/access.ts';
import { makeSystemClock } from '../daemon/clock.ts';
import { makeLog } from '../daemon/log.ts';
import { keepHeapSmall, makeTrim } from '../daemon/memory.ts';
import { shutOthersOut } from '../daemon/private-file.ts';
import { agentMigrations } from '../migrations/agent/index.ts';
import { type LockHandle, loadNative, type Native } from '../native/index.ts';
import manifest from '../package.json' with { type: 'json' };
import { makeSubjects } from '../protocol/subjects.ts';
import { NatsBus } from './bus/nats-bus.ts';
import type { AgentConfig } from './config.ts';
import { errnoName } from './kernel/errno.ts';
import { readBootId } from './kernel/processes.ts';
import { CAN } from './model/can.ts';
import { OwnMaps } from './own-maps.ts';
import type { BusNote } from './ports.ts';
import { serve } from './serve.ts';
import { BusFile } from './store/bus-file.ts';
import { SightFile } from './store/sight-file.ts';
import { SqliteStore } from './store/sqlite-store.ts';
import { TimeFile } from './store/time-file.ts';

/** The agent could not start; what it found is as it was. */
export class StartError extends Error {
  static {
    StartError.prototype.name = 'StartError';
  }
}

/**
 * Runs the agent until the signal aborts: converges from SQLite first, then connects to the bus. Nothing is detached when
 * it ends. Errors: StartError, KernelError, StoreError before anything was changed; later ones end it with a log line.
 */
export async function runAgent(config: AgentConfig, signal: AbortSignal): Promise<void> {
  keepHeapSmall();
  const clock = makeSystemClock();
  const native = loadNative();
  await using held = new AsyncDisposableStack();
  held.adopt(lockState(native, config.state), (lock) => native.close(lock));
  const store = held.adopt(
    await SqliteStore.open({ directory: config.state, host: config.host, migrations: agentMigrations, clock }),
    (it) => it.close(),
  );
  const log = makeLog(config.logLevel, { host: config.host });
  const maps = held.use(await OwnMaps.open(native, config.pinRoot, log));
  const { kernel } = maps;
  const reopen = () => maps.reopen();
  const { host } = config;
  const servers = { urls: config.nats, ...parseAccess(config) };
  const subjects = makeSubjects(config.rootSubject);
  const busFile = new BusFile(config.state);
  const note: BusNote = (trouble) => busFile.note(trouble);
  const connect = () => new NatsBus({ host, subjects, servers, clock, log, note });
  const { labels, interfaces } = config;
  const identity = { host, boot: clock.token(16), agent: manifest.version, can: CAN, labels, interfaces };
  const times = new TimeFile(config.state, readBootId());
  const sight = new SightFile(config.state);
  await serve({ identity, store, kernel, clock, log, times, sight, reopen, connect, afterBulk: makeTrim() }, signal);
}

const MAKE_IT = "make it as root and chown it to the agent's user";
const STATE_ERRNOS: Readonly<Record<string, string>> = {
  EACCES: "the state directory must be the agent's own: chown it, chmod 700",
  EROFS: 'its file system is read-only',
  ENOSPC: 'its file system is full',
  EDQUOT: 'the quota of this user there is used up',
  EMFILE: 'this process has too many files open: raise its limit (ulimit -n, LimitNOFILE)',
  ENFILE: 'this host has too many files open: raise sysctl fs.file-max',
  ENOLCK: 'its file system has no locks left, or none at all: take a local one',
  ELOOP: 'it is a symbolic link: remove it',
  EISDIR: 'it is a folder: remove it',
  ENOTDIR: 'a part of its path is no folder',
  EEXIST: 'there is something else of that name',
};

/** One agent a state directory: the lock goes with the process, however it ends. */
function lockState(native: Native, state: string): LockHandle {
  try {
    mkdirSync(state, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(
      `make the state directory ${state}: ${code}; ${code === 'EACCES' || code === 'EPERM' ? MAKE_IT : (STATE_ERRNOS[code ?? ''] ?? 'see mkdir(2)')}`,
    );
  }
  const path = join(state, 'lock');
  const lock = native.lockFile(path);
  if (typeof lock !== 'number') {
    shutOthersOut(path); // whoever can open it could hold the lock at the next start
    return lock;
  }
  const errno = errnoName(lock);
  if (errno === 'EAGAIN')
    throw new StartError(`lock ${path}: another agent runs on this state directory; stop it first`);
  throw new StartError(`lock ${path}: ${errno}; ${STATE_ERRNOS[errno] ?? 'see open(2) and flock(2)'}`);
}
