import { parseAccess } from '../bus/access.ts';
import { type Clock, makeSystemClock } from '../daemon/clock.ts';
import type { Log, RootLog } from '../daemon/log.ts';
import { makeSubjects } from '../protocol/subjects.ts';
import { NatsBus } from './bus/nats-bus.ts';
import type { ControllerConfig } from './config.ts';
import type { Damage } from './model/damage.ts';
import { openPorts } from './open.ts';
import { RolloutEngine } from './rollout/engine.ts';
import { PACE, type Pace } from './rollout/pace.ts';
import { ApiService } from './serve/api-service.ts';
import { keepHouse } from './serve/keep-house.ts';
import { Publisher } from './serve/publisher.ts';
import { Refusals } from './serve/refusals.ts';
import { RolloutCounts } from './serve/rollout-counts.ts';
import { StatusIntake } from './serve/status-intake.ts';
import { SyncService } from './serve/sync-service.ts';
import { Traffic } from './serve/traffic.ts';

export { StoreError } from './model/store-error.ts';

/** Controllers that share a bus share the requests. */
const QUEUE = 'controller';
/** Of what stands and is in no redirect; `shunt hosts` has more. */
const LOGGED_NAMES = 20;

/** A running controller. Closing it takes no more requests, ends those at hand, and publishes what they changed. */
export type Controller = AsyncDisposable;

/**
 * Starts a controller: opens its database, connects, serves. `onFatal` is called when the database is no longer to be
 * trusted, or a loop ends that should not: the process is to say so and end.
 * Errors: StoreError, BusError; nothing is left open then.
 */
export async function startController(
  config: ControllerConfig,
  log: RootLog,
  onFatal: (error: Error) => void,
  clock: Clock = makeSystemClock(),
  pace: Pace = PACE,
): Promise<Controller> {
  await using parts = new AsyncDisposableStack();
  const subjects = makeSubjects(config.rootSubject);
  log.info({ db: config.db }, 'controller: looking through its database'); // a large one takes seconds
  const { desk, logs, roster, ...ports } = parts.use(
    await openPorts(config.db, clock, onFatal, (mended, damage) =>
      tellDamage(log.child({ component: 'store' }), mended, damage),
    ),
  );
  const servers = { urls: config.nats, ...parseAccess(config) };
  const bus = parts.use(await NatsBus.connect(servers, clock, log.child({ component: 'bus' })));
  const publisherLog = log.child({ component: 'publisher' });
  const publisher = await Publisher.begin({ logs, bus, subjects, clock, log: publisherLog });
  const onChange = (): void => publisher.wake();
  const counts = new RolloutCounts({ bus, subjects, clock, log: log.child({ component: 'counts' }) });
  const rollouts = ports.rollouts(counts, pace);
  const engineLog = log.child({ component: 'rollouts' });
  const engine = new RolloutEngine({ rollouts, clock, log: engineLog, tickMs: pace.tickMs, onChange });
  const refusals = new Refusals(log, clock);
  const traffic = new Traffic(clock);
  const intake = new StatusIntake({ roster, traffic, subjects, refusals, clock, log, onChange });
  const sync = new SyncService({ logs, bus, subjects, refusals, clock, log });
  const api = new ApiService({
    desk,
    rollouts,
    traffic,
    bus,
    subjects,
    clock,
    log,
    onChange: () => {
      publisher.wake();
      engine.wake();
    },
  });
  // Closed the other way round: requests end first, then what they leave to do, and what that changed is published last.
  parts.use(run((signal) => publisher.run(signal), onFatal));
  parts.use(run((signal) => intake.run(signal), onFatal));
  parts.use(run((signal) => counts.run(signal), onFatal));
  parts.use(run((signal) => engine.run(signal), onFatal));
  parts.use(run((signal) => keepHouse({ upkeep: roster, clock, log, onChange }, signal), onFatal));
  parts.defer(() => bus.drain());
  bus.subscribe(subjects.syncAll, (message) => sync.receive(message), QUEUE);
  bus.subscribe(subjects.statusAll, (message) => intake.receive(message));
  bus.subscribe(subjects.apiAll, (message) => api.receive(message), QUEUE);
  await bus.flush();
  log.info({ db: config.db, nats: config.nats, root: config.rootSubject }, 'controller: serving');
  return parts.move();
}

/** What was put right is over; what could not be stays until an operator decides. */
function tellDamage(log: Log, mended: readonly string[], damage: Damage | undefined): void {
  if (mended.length > 0) log.warn({ mended }, 'store: the database was damaged, and was put right');
  if (damage === undefined) return;
  const { lost, standing } = damage;
  const names = standing.slice(0, LOGGED_NAMES).map(({ name }) => name);
  log.error({ code: 'SPECS_DAMAGED', lost, standing: names }, 'store: redirects are missing from the database');
}

/** Runs a loop until it is closed, which waits for its end. One that fails is the end of the process. */
function run(loop: (signal: AbortSignal) => Promise<void>, onFatal: (error: Error) => void): AsyncDisposable {
  const end = new AbortController();
  const done = loop(end.signal).catch(onFatal);
  return {
    async [Symbol.asyncDispose]() {
      end.abort();
      await done;
    },
  };
}
