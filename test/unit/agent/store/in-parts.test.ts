import test from 'ava';
import { transactInTurns } from '../../../../agent/store/in-parts.ts';

test('parts: of the pages that a long transaction went through none is kept once it is over', async (t) => {
  const calls: string[] = [];
  const note = (what: string): void => void calls.push(what);
  const pragma = (what: string): number => calls.push(what) && -16_000;
  const raw = { exec: note, pragma, inTransaction: false };
  const turn = async (): Promise<void> => note('turn');
  const parts = (function* () {
    note('first');
    yield;
    note('second');
    return 7;
  })();
  t.is(await transactInTurns(raw as never, { turn }, parts, async () => note('written')), 7);
  const small = ['cache_size', 'cache_size = -4096'];
  const work = ['begin immediate', 'first', 'turn', 'second', 'written', 'commit', 'turn'];
  t.deepEqual(calls, [...small, ...work, 'shrink_memory', 'cache_size = -16000']);
});
