import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Clock, makeSystemClock } from '../daemon/clock.ts';
import type { Log } from '../daemon/log.ts';
import { makeLog } from '../daemon/log.ts';
import { keepHeapSmall, makeTrim } from '../daemon/memory.ts';
import { agentMigrations } from '../migrations/agent/index.ts';
import { type LockHandle, loadNative, type Native } from '../native/index.ts';
import manifest from '../package.json' with { type: 'json' };
import type { Stats } from '../protocol/stats.ts';
import type { Status } from '../protocol/status.ts';
import { makeSubjects } from '../protocol/subjects.ts';
import { Questions } from './answer/questions.ts';
import { summariseTraffic } from './answer/stats.ts';
import { NatsBus } from './bus/nats-bus.ts';
import { BusOutbox } from './bus/outbox.ts';
import { StatusPublisher } from './bus/status.ts';
import type { AgentConfig } from './config.ts';
import { atStart } from './follow/footing.ts';
import { Intake } from './follow/intake.ts';
import { errnoName } from './kernel/errno.ts';
import { NativeKernel } from './kernel/native-kernel.ts';
import { CAN } from './model/can.ts';
import type { Outbox } from './ports.ts';
import { Reconciler } from './reconcile/reconciler.ts';
import { type Identity, summarise } from './reconcile/summarise.ts';
import { SqliteStore } from './store/sqlite-store.ts';

/** What an agent is put together of. */
interface Parts {
  readonly config: AgentConfig;
  readonly store: SqliteStore;
  readonly kernel: NativeKernel;
  readonly clock: Clock;
  readonly log: Log;
}

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
  const log = makeLog(config.logLevel, { host: config.host });
  await serve({ config, store, kernel, clock, log }, signal);
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
async function resume({ config, store, kernel, clock, log }: Parts, outbox: Outbox) {
  const stored = await store.load();
  const mark = kernel.words.mark();
  const footing = atStart(stored, mark);
  const { host } = config;
  const options = { kernel, store, clock, log, host, outbox, afterBulk: makeTrim() };
  return { reconciler: new Reconciler(options, stored, footing), footing, mark };
}

function connect({ config, clock, log }: Parts): NatsBus {
  const { host, nats: urls, creds: credsPath } = config;
  const servers = { urls, ...(credsPath !== undefined && { credsPath }) };
  return new NatsBus({ host, subjects: makeSubjects(config.rootSubject), servers, clock, log });
}

/** Makes the statuses of this start of the agent, and counts them. */
function makeStatuses({ config, clock }: Parts, bus: NatsBus, reconciler: Reconciler, intake: Intake): () => Status {
  const { host, labels, interfaces } = config;
  const identity: Identity = { host, boot: clock.token(16), agent: manifest.version, can: CAN, labels, interfaces };
  let seq = 0;
  return () => {
    seq += 1;
    const moment = { nowMs: clock.nowMs(), seq, maxBytes: bus.maxBytes };
    return summarise(identity, reconciler.progress(), intake.state(), moment);
  };
}

function makeQuestions({ config, store, kernel, clock }: Parts, reconciler: Reconciler, status: () => Status) {
  const { host } = config;
  const stats = (): Stats => summariseTraffic(host, kernel.counts, reconciler.progress().network, clock.nowMs());
  return new Questions({ host, status, stats, view: reconciler.view, kernel, clock, recorder: store });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Converges on what is stored first, and only then connects to the bus; leaves it when the last pass is over. */
async function serve(parts: Parts, signal: AbortSignal): Promise<void> {
  const { store, clock, log } = parts;
  const { host } = parts.config;
  const ended = new AbortController();
  const running = AbortSignal.any([signal, ended.signal]);
  const outbox = new BusOutbox();
  const { reconciler, footing, mark } = await resume(parts, outbox);
  await using held = new AsyncDisposableStack();
  held.defer(() => log.info({}, 'agent stopped'));
  const reconciling = reconciler.run(running);
  const stop = async (): Promise<void> => {
    ended.abort();
    await reconciling.catch(() => {}); // whoever waits below has it
  };
  held.defer(stop);
  await Promise.race([reconciler.settle(), reconciling, aborted(signal)]);

  const bus = held.adopt(connect(parts), (it) => it.close());
  held.defer(stop);
  const intake = new Intake({ host, store, bus, reconciling: reconciler, clock, log, footing, mark, outbox });
  const status = makeStatuses(parts, bus, reconciler, intake);
  const publisher = new StatusPublisher(status, bus, clock);
  const questions = makeQuestions(parts, reconciler, status);
  outbox.to(bus, publisher);
  bus.onAsk((verb, bytes) => questions.answer(verb, bytes));

  log.info({ desired: reconciler.view.desired.size, ...footing.at, is: footing.is }, 'agent started');
  try {
    await Promise.all([reconciling, intake.run(running), publisher.run(running), aborted(running)]);
  } catch (error) {
    log.error({ error }, 'agent failed');
    throw error;
  }
}
