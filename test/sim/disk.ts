import type { Acceptance, Candidate, DesiredStore, Recorder } from '../../agent/ports.ts';
import type { Clock } from '../../daemon/clock.ts';

/** How long a commit takes to be on a disk. */
const SYNC_MS = 3;
const NEVER = AbortSignal.any([]);

/** A store on a disk that takes its time: who dies before a commit is through has written nothing of it. */
export function onDisk(
  store: DesiredStore & Recorder,
  clock: Pick<Clock, 'delay'>,
  onAccept: (candidate: Candidate, acceptance: Acceptance) => void,
): DesiredStore & Recorder {
  return {
    load: () => store.load(),
    accept: async (candidate, afterSeq) => {
      await clock.delay(SYNC_MS, NEVER);
      const acceptance = await store.accept(candidate, afterSeq);
      onAccept(candidate, acceptance);
      return acceptance;
    },
    saveEntries: async (entries, forget) => {
      await clock.delay(SYNC_MS, NEVER);
      await store.saveEntries(entries, forget);
    },
    record: (events) => store.record(events),
    history: (key) => store.history(key),
    recent: (before, limit) => store.recent(before, limit),
    close: () => store.close(),
  };
}
