import { existsSync } from 'node:fs';
import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import { Waker } from '../../daemon/waker.ts';
import type { Native } from '../../native/index.ts';
import { requireValue } from '../kernel/errno.ts';
import { pinPaths } from '../kernel/pins.ts';
import { attachChosen, type ChosenOptions, type ChosenReport } from './attach-chosen.ts';
import { requireRoot } from './check.ts';
import { Follower } from './follower.ts';
import { Following } from './following.ts';
import { LookPace } from './look-pace.ts';
import { stepsTo } from './steps.ts';
import { lockWatch } from './watch-lock.ts';

/** What is told by no notice, such as a link that somebody detached, or an entry that went with its redirect. */
const LOOK_ANYWAY_MS = 60_000;
/** What `netSubscribe` says of changed links. */
const LINKS = 1;

/** What following needs of the world; `begun` is told what stands before it begins. */
export interface Surroundings {
  readonly log: Log;
  readonly clock: Pick<Clock, 'monotonicMs' | 'delay'>;
  readonly begun: (report: ChosenReport) => void;
}

/**
 * Attaches to what is wanted, and keeps it so until the signal aborts: a notice of the kernel only says "look again". Nothing
 * is detached when it ends. Errors: AttachError, KernelError: of what is wrong at the start, or when the pins are gone.
 */
export async function watchChosen(
  native: Native,
  options: ChosenOptions,
  { log, clock, begun }: Surroundings,
  signal: AbortSignal,
): Promise<void> {
  requireRoot('attach', 'loads a program into the kernel');
  const { pinRoot, wanted, mode, acceptHiddenTags = false } = options;
  const paths = pinPaths(pinRoot);
  const asked = { mode, acceptHiddenTags };
  using held = new DisposableStack();
  const waker = new Waker();
  const onChange = (kinds: number, overrun: boolean): void => {
    if ((kinds & LINKS) !== 0 || overrun) waker.wake();
  };
  const notices = requireValue(native.netSubscribe(onChange), 'subscribe', 'rtnetlink');
  held.defer(() => native.close(notices));
  if (existsSync(paths.layout)) catchUp(native, options);
  const report = attachChosen(native, options, true);
  const lock = lockWatch(native, paths);
  held.defer(() => native.close(lock));
  begun(report);
  const follower = held.use(new Follower(native, pinRoot, asked));
  const following = new Following(follower, wanted, log, report);
  await run(following, { waker, clock }, signal);
}

/** What was renamed meanwhile, or moved away, is not to be in the way of what is attached now. */
function catchUp(native: Native, { pinRoot, wanted, mode, acceptHiddenTags = false }: ChosenOptions): void {
  const lock = lockWatch(native, pinPaths(pinRoot));
  using held = new DisposableStack();
  held.defer(() => native.close(lock));
  const follower = held.use(new Follower(native, pinRoot, { mode, acceptHiddenTags }));
  const standing = follower.look();
  const { letGo, rename } = stepsTo(wanted, standing);
  for (const name of letGo) follower.letGo(name);
  follower.rename(rename, standing.links);
}

async function run(
  following: Following,
  { waker, clock }: { readonly waker: Waker } & Pick<Surroundings, 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  const pace = new LookPace();
  try {
    for (;;) {
      const nowMs = clock.monotonicMs();
      following.look(nowMs);
      pace.took(nowMs, clock.monotonicMs());
      const dueMs = Math.min(following.dueMs ?? Number.POSITIVE_INFINITY, nowMs + LOOK_ANYWAY_MS);
      await waker.sleep(clock.delay, Math.max(0, dueMs - clock.monotonicMs()), signal);
      await clock.delay(pace.waitMs(clock.monotonicMs()), signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
