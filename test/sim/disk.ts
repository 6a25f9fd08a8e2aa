import type { EntryState } from '../../agent/model/state.ts';
import { StoreError } from '../../agent/model/store-error.ts';
import type { Acceptance, Candidate } from '../../agent/model/stored.ts';
import type { DesiredStore, Recorder } from '../../agent/ports.ts';
import type { Clock } from '../../daemon/clock.ts';

/** How long a commit takes to be on a disk. */
const SYNC_MS = 3;

/** Whose disk it is. */
interface Owner {
  /** False: the disk does not take the commit that is asked for now. */
  takes(): boolean;
  readonly onAccept: (candidate: Candidate, acceptance: Acceptance) => void;
  readonly onSave: (rows: readonly EntryState[]) => void;
}

/**
 * A store on a disk that takes its time: who dies before a commit is through has written nothing of it. Whatever the store
 * is made of, it answers at the same moment.
 */
export function onDisk(
  store: DesiredStore & Recorder,
  clock: Pick<Clock, 'delay'>,
  owner: Owner,
): DesiredStore & Recorder {
  const steadily = async <T>(work: () => Promise<T>): Promise<T> => {
    const due = clock.delay(0);
    const answer = await work();
    await due;
    return answer;
  };
  const commit = async <T>(work: () => Promise<T>): Promise<T> => {
    await clock.delay(SYNC_MS);
    if (!owner.takes()) throw new StoreError('FULL', 'memory', 'the disk is full');
    return steadily(work);
  };
  return {
    load: (at) => steadily(() => store.load(at)),
    accept: (candidate, ...args) =>
      commit(async () => {
        const acceptance = await store.accept(candidate, ...args);
        owner.onAccept(candidate, acceptance);
        return acceptance;
      }),
    confirm: (...args) => commit(() => store.confirm(...args)),
    move: (...args) => commit(() => store.move(...args)),
    noteTime: (at) => commit(() => store.noteTime(at)),
    remember: (beside) => commit(() => store.remember(beside)),
    saveEntries: (entries, ...args) =>
      commit(async () => {
        owner.onSave(entries);
        await store.saveEntries(entries, ...args);
      }),
    record: (events) => steadily(() => store.record(events)),
    history: (key) => steadily(() => store.history(key)),
    recent: (before, limit) => steadily(() => store.recent(before, limit)),
    requireSame: () => store.requireSame(),
    close: () => store.close(),
  };
}
