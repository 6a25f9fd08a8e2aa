import test from 'ava';
import type { EntryState, State } from '../../../../agent/model/state.ts';
import { hasToLast } from '../../../../agent/reconcile/lasting.ts';
import { Unsaved } from '../../../../agent/reconcile/unsaved.ts';

const ROW: EntryState = { key: 'k', slot: 1, rev: 1, state: 'installed', sinceMs: 0, installedAtMs: 0 };

/** Whether a key that comes to stand so, or did, has to last. */
const STATES: Readonly<Record<State, boolean>> = {
  pending: false,
  installed: false,
  blocked: false,
  failed: false,
  idle: true,
  expired: true,
  denied: true,
};

for (const [state, lasts] of Object.entries(STATES) as [State, boolean][])
  test(`lasting: a key that is ${state} ${lasts ? 'has to last, and what it becomes then' : 'is found again'}`, (t) => {
    const row = { ...ROW, state };
    t.is(hasToLast({ before: undefined, now: row }), lasts);
    t.is(hasToLast({ before: ROW, now: row }), lasts);
    t.is(hasToLast({ before: row, now: ROW }), lasts);
  });

test('lasting: what silence is judged by, what the brake withholds, and a slot that is given away', (t) => {
  const counted = { packets: 1n, bytes: 1n, seen: 1n };
  for (const more of [{ armed: 1 }, { counted }, { code: 'BRAKE' }] as const) {
    t.true(hasToLast({ before: ROW, now: { ...ROW, ...more } }));
    t.true(hasToLast({ before: { ...ROW, ...more }, now: ROW }));
  }
  t.true(hasToLast({ before: ROW, now: { ...ROW, slot: null } }));
  t.true(hasToLast({ before: ROW, now: { ...ROW, slot: 2 } }));
  t.false(hasToLast({ before: { ...ROW, slot: null, state: 'pending' }, now: ROW }), 'it has its first');
});

test('lasting: what is saved lasts if some of it has to, also what was left from before, and what is stored ahead', async (t) => {
  const asked: (boolean | undefined)[] = [];
  let refuses = false;
  const store = {
    saveEntries: async (_rows: readonly EntryState[], _gone: readonly string[], lasts?: boolean) => {
      asked.push(lasts);
      if (refuses) throw new Error('full');
    },
  };
  const unsaved = new Unsaved();
  const noted = async (now: EntryState): Promise<void> => {
    unsaved.note({ changed: [{ before: undefined, now, stored: false }], forgotten: [] });
    await unsaved.save(store);
  };
  await noted(ROW);
  refuses = true;
  await t.throwsAsync(noted({ ...ROW, state: 'idle' }));
  refuses = false;
  await noted({ ...ROW, key: 'other' });
  await noted(ROW);
  unsaved.states([ROW]);
  await unsaved.save(store);
  t.deepEqual(asked, [false, true, true, false, true]);
});
