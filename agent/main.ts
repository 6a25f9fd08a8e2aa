import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
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
import { NativeKernel } from './kernel/native-kernel.ts';
import { CAN } from './model/can.ts';
import type { BusNote } from './ports.ts';
import { serve } from './serve.ts';
import { BusFile } from './store/bus-file.ts';
import { SqliteStore } from './store/sqlite-store.ts';
import { readBootId, TimeFile } from './store/time-file.ts';

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
  const kernel = held.use(new NativeKernel(native, config.pinRoot));
  held.use(await claimMaps(kernel, config.pinRoot));
  const reopen = async (): Promise<void> => {
    const { instance } = kernel;
    kernel.reopen();
    if (kernel.instance !== instance) held.use(await claimMaps(kernel, config.pinRoot));
  };
  const log = makeLog(config.logLevel, { host: config.host });
  const { host, nats: urls, creds: credsPath } = config;
  const servers = { urls, ...(credsPath !== undefined && { credsPath }) };
  const subjects = makeSubjects(config.rootSubject);
  const busFile = new BusFile(config.state);
  const note: BusNote = (trouble) => busFile.note(trouble);
  const connect = () => new NatsBus({ host, subjects, servers, clock, log, note });
  const { labels, interfaces } = config;
  const identity = { host, boot: clock.token(16), agent: manifest.version, can: CAN, labels, interfaces };
  const times = new TimeFile(config.state, readBootId());
  await serve({ identity, store, kernel, clock, log, times, reopen, connect, afterBulk: makeTrim() }, signal);
}

/** One agent a state directory: the lock goes with the process, however it ends. */
function lockState(native: Native, state: string): LockHandle {
  try {
    mkdirSync(state, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(
      `make the state directory ${state}: ${code}; make it as root and chown it to the agent's user`,
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
  throw new StartError(`lock ${path}: ${errno}; the state directory must be the agent's own: chown it, chmod 700`);
}

/** One agent a set of maps, whatever its state directory: an abstract socket is the kernel's own lock, and needs no right. */
async function claimMaps(kernel: NativeKernel, pinRoot: string): Promise<AsyncDisposable> {
  const server = createServer((socket) => socket.destroy());
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(`\0shunt-agent/${kernel.instance}`, listening.resolve);
  await listening.promise.catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'EADDRINUSE' ? 'another agent keeps these maps; stop it first' : error.code;
    throw new StartError(`claim the maps below ${pinRoot}: ${why}`);
  });
  server.unref();
  return server;
}
