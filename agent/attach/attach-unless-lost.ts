import type { Native } from '../../native/index.ts';
import { pinPaths } from '../kernel/pins.ts';
import { attachChosen, type ChosenOptions, type ChosenReport } from './attach-chosen.ts';
import { awaitKeep, type Ending, type Signals, type Waiting } from './await-keep.ts';
import { findStanding } from './standing.ts';
import { Unconfirmed } from './unconfirmed.ts';
import { pinnedInterfaces } from './zones.ts';

/** How it ended: `unchanged` where nothing was attached that was not before. */
export interface Ended {
  readonly kept: boolean;
  readonly why: Ending | 'unchanged';
  readonly detached: readonly string[];
}

export interface Surroundings extends Omit<Waiting, 'isKept'> {
  /** Told what was attached before it waits. */
  readonly begun: (report: ChosenReport) => void;
  /** Whatever ends it, but SIGKILL, detaches first. */
  readonly process: Signals & {
    once(name: 'exit', listener: () => void): unknown;
    off(name: 'exit', listener: () => void): unknown;
  };
}

/**
 * Attaches, and detaches what was not attached before unless somebody keeps it in time. Errors: AttachError, KernelError: of the
 * attach; nothing was changed then.
 */
export async function attachUnlessLost(
  native: Native,
  options: ChosenOptions,
  { begun, process, ...waiting }: Surroundings,
): Promise<Ended> {
  const before = pinnedInterfaces(findStanding(native, options.pinRoot)?.paths ?? pinPaths(options.pinRoot));
  const report = attachChosen(native, options);
  const fresh = report.interfaces.map(({ name }) => name).filter((name) => !before.includes(name));
  if (fresh.length === 0) {
    begun(report);
    return { kept: true, why: 'unchanged', detached: [] };
  }
  using held = new DisposableStack();
  const unconfirmed = held.use(new Unconfirmed(native, options.pinRoot, fresh));
  const lost = (): void => void unconfirmed.takeBack();
  process.once('exit', lost); // a terminal that cannot be written to ends the process at once
  held.defer(() => process.off('exit', lost));
  begun(report);
  const why = await awaitKeep({ ...waiting, isKept: () => unconfirmed.isKept }, process);
  if (why === 'kept' || why === 'entered') return { kept: true, why, detached: [] };
  const detached = unconfirmed.takeBack();
  return detached === undefined ? { kept: true, why: 'kept', detached: [] } : { kept: false, why, detached };
}
