import type { Log, RootLog } from '../daemon/log.ts';
import { controllerMigrations } from '../migrations/controller/index.ts';
import { makeSubjects } from '../protocol/subjects.ts';
import { NatsBus } from './bus/nats-bus.ts';
import type { ControllerConfig } from './config.ts';
import { ApiService } from './serve/api-service.ts';
import { Publisher } from './serve/publisher.ts';
import { Refusals } from './serve/refusals.ts';
import { StatusIntake } from './serve/status-intake.ts';
import { SyncService } from './serve/sync-service.ts';
import { SqlStore } from './store/sql-store.ts';

export { StoreError } from './model/store-error.ts';

/** Controllers that share a bus share the requests. */
const QUEUE = 'controller';
const TIDY_EVERY_MS = 10 * 60_000;

/** A running controller. Closing it takes no more requests, ends those at hand, and publishes what they changed. */
export type Controller = AsyncDisposable;

/**
 * Starts a controller: opens its database, connects, serves. `onFatal` is called when the database is no longer to be
 * trusted; the process is to say so and end.
 * Errors: StoreError, BusError; nothing is left open then.
 */
export async function startController(
  config: ControllerConfig,
  log: RootLog,
  onFatal: (error: Error) => void,
): Promise<Controller> {
  await using parts = new AsyncDisposableStack();
  const now = Date.now;
  const subjects = makeSubjects(config.rootSubject);
  const store = parts.use(await SqlStore.open(config.db, { now, migrations: controllerMigrations, onFatal }));
  const bus = parts.use(
    await NatsBus.connect(
      { urls: config.nats, ...(config.creds !== undefined && { credsPath: config.creds }) },
      log.child({ component: 'bus' }),
    ),
  );
  const publisher = parts.use(
    new Publisher({ logs: store, bus, subjects, log: log.child({ component: 'publisher' }) }),
  );
  await publisher.start();
  const onChange = (): void => publisher.wake();
  const refusals = new Refusals(log, now);
  const intake = parts.use(new StatusIntake({ roster: store, subjects, refusals, now, log, onChange }));
  const sync = new SyncService({ logs: store, bus, subjects, refusals, log });
  const api = new ApiService({ desk: store, bus, subjects, log, onChange });
  bus.subscribe(subjects.syncAll, (message) => sync.receive(message), QUEUE);
  bus.subscribe(subjects.statusAll, (message) => intake.receive(message));
  bus.subscribe(subjects.apiAll, (message) => api.receive(message), QUEUE);
  await bus.flush();
  parts.use(keepHouse(store, log, onChange));
  parts.defer(() => bus.drain());
  log.info({ db: config.db, nats: config.nats, root: config.rootSubject }, 'controller: serving');
  return parts.move();
}

/** Sees to it that the logs say what the specs say, once, and that what is no longer needed goes, from time to time. */
function keepHouse(store: Pick<SqlStore, 'reconcile' | 'tidy'>, log: Log, onChange: () => void): AsyncDisposable {
  const end = new AbortController();
  const report = (error: unknown): void => log.error({ error }, 'controller: keeping house failed');
  let work = store.reconcile(end.signal).then(onChange).catch(report);
  const timer = setInterval(() => {
    work = work.then(() => store.tidy()).catch(report);
  }, TIDY_EVERY_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      end.abort();
      await work;
    },
  };
}
