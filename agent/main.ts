import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { makeSystemClock } from '../daemon/clock.ts';
import type { Log } from '../daemon/log.ts';
import { makeLog } from '../daemon/log.ts';
import { keepHeapSmall, makeTrim } from '../daemon/memory.ts';
import { agentMigrations } from '../migrations/agent/index.ts';
import { type LockHandle, loadNative, type Native } from '../native/index.ts';
import manifest from '../package.json' with { type: 'json' };
import { encodeEvent } from '../protocol/event.ts';
import type { Stats } from '../protocol/stats.ts';
import type { Status } from '../protocol/status.ts';
import { makeSubjects } from '../protocol/subjects.ts';
import { Questions } from './answer/questions.ts';
import { summariseTraffic } from './answer/stats.ts';
import { NatsBus } from './bus/nats-bus.ts';
import { StatusPublisher } from './bus/status.ts';
import type { AgentConfig } from './config.ts';
import { atStart } from './follow/footing.ts';
import { Intake } from './follow/intake.ts';
import { errnoName } from './kernel/errno.ts';
import { NativeKernel } from './kernel/native-kernel.ts';
import { Reconciler, type ReconcilerOptions } from './reconcile/reconciler.ts';
import { type Identity, summarise } from './reconcile/summarise.ts';
import { SqliteStore } from './store/sqlite-store.ts';

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
  const native = loadNative();
  await using held = new AsyncDisposableStack();
  held.adopt(lockState(native, config.state), (lock) => native.close(lock));
  const store = held.adopt(
    await SqliteStore.open({ directory: config.state, host: config.host, migrations: agentMigrations }),
    (it) => it.close(),
  );
  const kernel = held.use(new NativeKernel(native, config.pinRoot));
  held.use(await claimMaps(kernel, config.pinRoot));
  const log = makeLog(config.logLevel, { host: config.host });
  await serve(config, store, kernel, log, signal);
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
  if (typeof lock !== 'number') return lock;
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

/** A reconciler on what is stored. The rows themselves are not kept: it holds its own, and there may be many. */
async function resume(store: SqliteStore, kernel: NativeKernel, options: ReconcilerOptions) {
  const stored = await store.load();
  const mark = kernel.words.mark();
  const footing = atStart(stored, mark);
  return { reconciler: new Reconciler(options, stored, footing), footing, mark };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function serve(
  config: AgentConfig,
  store: SqliteStore,
  kernel: NativeKernel,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const clock = makeSystemClock();
  const subjects = makeSubjects(config.rootSubject);
  const identity: Identity = {
    host: config.host,
    boot: randomUUID(),
    agent: manifest.version,
    labels: config.labels,
    interfaces: config.interfaces,
  };
  const ended = new AbortController();
  const running = AbortSignal.any([signal, ended.signal]);

  let bus: NatsBus | undefined;
  let publisher: StatusPublisher | undefined;
  const { reconciler, footing, mark } = await resume(store, kernel, {
    ...{ kernel, store, clock, log, host: config.host },
    onChange: () => publisher?.changed(),
    publish: (event) => bus?.publish(`event.${event.kind}`, encodeEvent(event)),
    afterBulk: makeTrim(),
  });
  const servers = { urls: config.nats, ...(config.creds === undefined ? {} : { credsPath: config.creds }) };
  const reconciling = reconciler.run(running);
  await Promise.race([reconciler.settle(), reconciling, aborted(signal)]);

  const connected = new NatsBus({ host: config.host, subjects, servers, clock, log });
  bus = connected;
  const intake = new Intake({
    ...{ host: config.host, store, bus: connected, reconciling: reconciler, clock, log, footing, mark },
    changed: () => publisher?.changed(),
    emit: (event) => connected.publish(`event.${event.kind}`, encodeEvent(event)),
  });
  const status = (): Status =>
    summarise(identity, reconciler.progress(), intake.state(), { nowMs: clock.nowMs(), maxBytes: connected.maxBytes });
  const publishing = new StatusPublisher(status, connected, clock);
  publisher = publishing;
  const stats = (): Stats => summariseTraffic(config.host, kernel.counts, reconciler.progress().network, clock.nowMs());
  const questions = new Questions({
    ...{ host: config.host, status, stats, view: reconciler.view },
    ...{ kernel, clock, recorder: store },
  });
  connected.onAsk((verb, bytes) => questions.answer(verb, bytes));

  log.info({ desired: reconciler.view.desired.size, ...footing.at, is: footing.is }, 'agent started');
  try {
    await Promise.all([reconciling, intake.run(running), publishing.run(running), aborted(running)]);
  } catch (error) {
    log.error({ error }, 'agent failed');
    throw error;
  } finally {
    ended.abort();
    await reconciling.catch(() => {}); // it was reported above
    await connected.close();
    log.info({}, 'agent stopped');
  }
}
