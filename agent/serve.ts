import type { Clock } from '../daemon/clock.ts';
import type { Log } from '../daemon/log.ts';
import { inTurns } from '../daemon/parts.ts';
import type { Stats } from '../protocol/stats.ts';
import type { Status } from '../protocol/status.ts';
import { Questions } from './answer/questions.ts';
import { summariseTraffic } from './answer/stats.ts';
import { BusOutbox } from './bus/outbox.ts';
import { StatusPublisher } from './bus/status.ts';
import { atStart } from './follow/footing.ts';
import { Intake } from './follow/intake.ts';
import type { BootClock, Bus, DesiredStore, Kernel, Outbox, Recorder, SightStore, TimeStore } from './ports.ts';
import { admit } from './reconcile/admission.ts';
import { BULK_KEYS } from './reconcile/outcomes.ts';
import { Rates } from './reconcile/rates.ts';
import { Reconciler } from './reconcile/reconciler.ts';
import type { ReconcilerOptions } from './reconcile/reconciler-options.ts';
import { type Identity, type Moment, summarise } from './reconcile/summarise.ts';

/** What an agent is put together of, whatever its ports are made of. */
export interface Parts extends Pick<ReconcilerOptions, 'follow' | 'guard' | 'heap'> {
  readonly identity: Identity;
  readonly store: DesiredStore & Recorder;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Log;
  readonly times: TimeStore;
  readonly sight: SightStore;
  readonly boot: BootClock;
  /** Makes `kernel` that of the pins that are there now. Errors: KernelError while it cannot be. */
  readonly reopen: () => Promise<void>;
  /** Called once desired state as it is stored stands in the kernel. */
  readonly connect: () => Bus;
}

/** A reconciler on what is stored. The rows themselves are not kept: it holds its own, and there may be many. */
async function resume(parts: Parts, outbox: Outbox) {
  const { identity, ...rest } = parts;
  const { store, kernel, heap } = rest;
  heap?.grow();
  const stored = await store.load(rest.boot.now());
  // Of many, what they leave behind is given back once they stand.
  if (Math.max(stored.intents.length, stored.entries.length) < BULK_KEYS) heap?.giveBack();
  const mark = kernel.words.mark();
  const footing = atStart(stored, mark);
  const { host, interfaces } = identity;
  const admitted = await inTurns(admit(rest, stored), () => rest.clock.turn());
  const start = { ...admitted, seq: stored.seq };
  return { reconciler: new Reconciler({ ...rest, host, interfaces, outbox }, start, footing), footing, mark };
}

/** Makes the statuses of this start of the agent, and counts them; what packets did is told to all alike, so in those alone that all hear. */
function makeStatuses({ identity, clock, kernel }: Parts, bus: Bus, reconciler: Reconciler, intake: Intake) {
  let seq = 0;
  const rates = new Rates();
  const make = (told: Pick<Moment, 'ended' | 'rates'>): Status => {
    seq += 1;
    const moment = { nowMs: clock.nowMs(), seq, ...told, maxBytes: bus.maxBytes };
    return summarise(identity, reconciler.progress(), intake.state(), moment);
  };
  const look = () => rates.look(kernel.counts, reconciler.view.holders, clock.monotonicMs());
  return { answer: () => make({}), publish: (ended: boolean) => make({ ended, rates: look() }) };
}

function makeQuestions(
  { identity, store, kernel, clock }: Parts,
  reconciler: Reconciler,
  status: () => Status,
  intake: Pick<Intake, 'resync' | 'release' | 'state'>,
) {
  const { host, boot } = identity;
  const stats = (): Stats => summariseTraffic(host, kernel.counts, reconciler.progress().network, clock.nowMs());
  const again = (key: string): void => reconciler.again([key]);
  const arm = (keys: readonly string[]): Promise<void> => reconciler.arm(keys);
  return new Questions({
    host,
    boot,
    status,
    stats,
    view: reconciler.view,
    kernel,
    clock,
    recorder: store,
    again,
    arm,
    problems: () => intake.state().problems,
    resync: () => intake.resync(),
    release: () => intake.release(),
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Aborts with a signal, or before. Of `AbortSignal.any` whatever listens would be kept for ever where neither aborts. */
function endedWith(signal: AbortSignal): AbortController {
  const ended = new AbortController();
  const end = (): void => ended.abort(signal.reason);
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  return ended;
}

/**
 * Runs an agent until the signal aborts: it converges on what is stored first, and only then connects to the bus; it
 * leaves that when the last pass is over. Errors: KernelError, StoreError, logged.
 */
export async function serve(parts: Parts, signal: AbortSignal): Promise<void> {
  const { store, clock, boot, log } = parts;
  const { host } = parts.identity;
  const ended = endedWith(signal);
  const running = ended.signal;
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
  await clock.turn(); // of very many, what they leave behind is collected now

  const bus = held.adopt(parts.connect(), (it) => it.close());
  const intake = new Intake({ host, store, bus, reconciling: reconciler, clock, boot, log, footing, mark, outbox });
  const statuses = makeStatuses(parts, bus, reconciler, intake);
  const publisher = new StatusPublisher(statuses.publish, bus, clock, () => reconciler.awaits);
  held.defer(() => publisher.end());
  held.defer(stop);
  const questions = makeQuestions(parts, reconciler, statuses.answer, intake);
  outbox.to(bus, publisher);
  bus.onAsk((verb, bytes) => questions.answer(verb, bytes, bus.maxBytes));

  log.info({ desired: reconciler.view.desired.size, ...footing.at, is: footing.is }, 'agent started');
  try {
    // The first status is said before the first page is asked for: by it the controller knows whose page that is.
    await Promise.all([reconciling, publisher.run(running), intake.run(running), aborted(running)]);
  } catch (error) {
    log.error({ error }, 'agent failed');
    throw error;
  }
}
