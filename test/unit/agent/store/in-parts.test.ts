import test from 'ava';
import { transactInTurns } from '../../../../agent/store/in-parts.ts';

test('parts: of the pages that a long transaction went through none is kept once it is over', async (t) => {
  const calls: string[] = [];
  const note = (what: string): void => void calls.push(what);
  const raw = { exec: note, pragma: note, inTransaction: false };
  const turn = async (): Promise<void> => note('turn');
  const parts = (function* () {
    note('first');
    yield;
    note('second');
    return 7;
  })();
  t.is(await transactInTurns(raw as never, { turn }, parts), 7);
  t.deepEqual(calls, ['begin immediate', 'first', 'turn', 'second', 'commit', 'turn', 'shrink_memory']);
});
