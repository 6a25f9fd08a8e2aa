import { isDeepStrictEqual } from 'node:util';
import type { DesiredStore, Recorder } from '../../agent/ports.ts';

/** Two stores that are told the same; the first one's answers count. What the other answers otherwise is told. */
export function twofold(
  first: DesiredStore & Recorder,
  other: DesiredStore & Recorder,
  differ: (what: string) => void,
): DesiredStore & Recorder {
  const both = async <T>(what: string, ask: (store: DesiredStore & Recorder) => Promise<T>): Promise<T> => {
    const [answer, too] = [await ask(first), await ask(other)];
    if (!isDeepStrictEqual(answer, too))
      differ(`${what}: ${JSON.stringify(answer)}, and elsewhere ${JSON.stringify(too)}`);
    return answer;
  };
  return {
    load: (at) => both('load', (store) => store.load(at)),
    accept: (...args) => both('accept', (store) => store.accept(...args)),
    confirm: (...args) => both('confirm', (store) => store.confirm(...args)),
    move: (...args) => both('move', (store) => store.move(...args)),
    noteTime: (at) => both('note the time', (store) => store.noteTime(at)),
    remember: (beside) => both('remember', (store) => store.remember(beside)),
    saveEntries: (...args) => both('save entries', (store) => store.saveEntries(...args)),
    record: (events) => both('record', (store) => store.record(events)),
    history: (key) => both('history', (store) => store.history(key)),
    recent: (before, limit) => both('recent', (store) => store.recent(before, limit)),
    requireSame: () => first.requireSame(),
    close: () => both('close', (store) => store.close()),
  };
}
