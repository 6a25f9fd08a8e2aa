import test from 'ava';
import fc from 'fast-check';
import type { EntryState } from '../../../../agent/model/state.ts';
import { apart, EntryStates } from '../../../../agent/reconcile/entry-states.ts';

const times = fc.constantFrom(0, 1_700_000_000_000, 1_700_000_000_123.5);
/** Each field that may be absent is, half of the time. */
const states: fc.Arbitrary<EntryState> = fc.record(
  {
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    slot: fc.constantFrom(null, 0, 1, 2 ** 32 - 1, 2 ** 32),
    rev: fc.constantFrom(0, 1, 2 ** 53 - 1),
    state: fc.constantFrom('installed', 'installed', 'installed', 'blocked', 'idle'),
    sinceMs: times,
    installedAtMs: times,
    armed: fc.constantFrom(0, 5, 2 ** 53),
    code: fc.constantFrom('BRAKE', 'MAP_FULL'),
    errno: fc.constant('ENOMEM'),
    retryAtMs: times,
    counted: fc.constant({ packets: 1n, bytes: 2n, seen: 3n }),
  },
  { requiredKeys: ['key', 'slot', 'rev', 'state', 'sinceMs'] },
);
/** As they nearly all are. */
const installed: fc.Arbitrary<EntryState> = states.map(({ key, slot, rev, sinceMs, armed }) => ({
  ...{ key, slot: slot ?? 7, rev, state: 'installed', sinceMs, installedAtMs: sinceMs },
  ...(armed !== undefined && { armed }),
}));
const steps = fc.array(
  fc.record({ act: fc.constantFrom('set', 'set', 'delete'), state: fc.oneof(states, installed) }),
  {
    maxLength: 80,
  },
);

test('entry states: they are what a map of objects would be, and in its order, whatever is done with them', (t) => {
  fc.assert(
    fc.property(steps, (all) => {
      const [packed, plain] = [new EntryStates(), new Map<string, EntryState>()];
      for (const { act, state } of all) {
        const { key } = state;
        if (act === 'delete') t.is(packed.delete(key), plain.delete(key));
        else {
          packed.set(key, state);
          plain.set(key, state);
        }
        t.is(packed.has(key), plain.has(key));
        t.deepEqual(packed.get(key), plain.get(key));
        t.is(packed.slotOf(key), plain.get(key)?.slot);
      }
      t.deepEqual([packed.size, [...packed]], [plain.size, [...plain]]);
      t.deepEqual([...packed.keys()], [...plain.keys()]);
      t.deepEqual([...packed.values()], [...plain.values()]);
      const [mine, whole] = [apart(packed), apart(plain)];
      const others = [...mine.others];
      t.deepEqual([mine.plain + others.length, whole.plain], [plain.size, 0]);
      t.true(others.every((state) => plain.get(state.key) === state));
      const isElse = ({ state }: EntryState): boolean => state !== 'installed';
      t.deepEqual(others.filter(isElse), [...whole.others].filter(isElse));
    }),
  );
});

test('entry states: what changes while they are walked is met as in a map', (t) => {
  const [packed, plain] = [new EntryStates(), new Map<string, EntryState>()];
  const at = (key: string): EntryState => ({ key, slot: 1, rev: 1, state: 'installed', sinceMs: 1, installedAtMs: 1 });
  const walk = (it: Pick<EntryStates, 'set' | 'delete' | 'values'> | Map<string, EntryState>): string[] => {
    for (const key of ['a', 'b', 'c']) it.set(key, at(key));
    const met: string[] = [];
    for (const state of it.values()) {
      met.push(`${state.key} ${state.state}`);
      if (state.key !== 'a') continue;
      it.delete('b');
      it.set('c', { ...at('c'), state: 'blocked' });
      it.set('d', at('d'));
    }
    return met;
  };
  t.deepEqual(walk(packed), walk(plain));
});
