import { parseAccess } from '../bus/access.ts';
import { bootMs, makeSystemClock } from '../daemon/clock.ts';
import { makeLog } from '../daemon/log.ts';
import { keepHeapSmall } from '../daemon/memory.ts';
import { agentMigrations } from '../migrations/agent/index.ts';
import { loadNative } from '../native/index.ts';
import manifest from '../package.json' with { type: 'json' };
import { makeSubjects } from '../protocol/subjects.ts';
import { NatsBus } from './bus/nats-bus.ts';
import { withCHeap } from './c-heap.ts';
import type { AgentConfig } from './config.ts';
import { readBootId } from './kernel/processes.ts';
import { CAN } from './model/can.ts';
import { openGuard } from './open-guard.ts';
import { OwnMaps } from './own-maps.ts';
import type { BootClock, BusNote } from './ports.ts';
import { serve } from './serve.ts';
import { lockState } from './state-lock.ts';
import { BusFile } from './store/bus-file.ts';
import { SightFile } from './store/sight-file.ts';
import { SqliteStore } from './store/sqlite-store.ts';
import { TimeFile } from './store/time-file.ts';

/**
 * Runs the agent until the signal aborts: converges from SQLite first, then connects to the bus. Nothing is detached when
 * it ends. Errors: StartError, KernelError, StoreError before anything was changed; later ones end it with a log line.
 */
export async function runAgent(config: AgentConfig, signal: AbortSignal): Promise<void> {
  const clock = makeSystemClock();
  const native = loadNative();
  await using held = new AsyncDisposableStack();
  const ended = new AbortController();
  held.defer(() => ended.abort());
  const heap = withCHeap(keepHeapSmall(), native, clock, ended.signal);
  held.adopt(lockState(native, config.state), (lock) => native.close(lock));
  const store = held.adopt(
    await SqliteStore.open({ directory: config.state, host: config.host, migrations: agentMigrations, clock }),
    (it) => it.close(),
  );
  const log = makeLog(config.logLevel, { host: config.host });
  const left = new AbortController();
  const maps = held.use(await OwnMaps.open(native, config.pinRoot, { log, clock, leave: () => left.abort() }));
  const { kernel } = maps;
  const guard = await openGuard(config, clock, log);
  const reopen = () => maps.reopen();
  const follow = () => maps.follow();
  const { host } = config;
  const servers = { urls: config.nats, ...parseAccess(config) };
  const subjects = makeSubjects(config.rootSubject);
  const busFile = new BusFile(config.state);
  const note: BusNote = (trouble) => busFile.note(trouble);
  const connect = () => new NatsBus({ host, subjects, servers, clock, log, note });
  const { labels, interfaces } = config;
  const identity = { host, boot: clock.token(16), agent: manifest.version, can: CAN, labels, interfaces };
  const bootId = readBootId();
  const boot: BootClock = { now: () => ({ boot: bootId, ms: bootMs() }) };
  const times = new TimeFile(config.state, bootId);
  const sight = new SightFile(config.state);
  const core = { identity, store, kernel, clock, log, times, sight, boot, guard };
  const parts = { ...core, reopen, follow, connect, heap };
  await serve(parts, AbortSignal.any([signal, left.signal]));
}
