import test from 'ava';
import fc from 'fast-check';
import { type EntryValue, NO_MAC } from '../../../../agent/model/entry.ts';
import { entryId } from '../../../../agent/model/entry-key.ts';
import type { ObservedEntry } from '../../../../agent/ports.ts';
import { Commons } from '../../../../agent/reconcile/commons.ts';
import { ObservedEntries } from '../../../../agent/reconcile/observed-entries.ts';
import { parseMatch } from '../../../../protocol/match.ts';

/** Few of each, so that much is met again. */
const keys = fc.record({
  match: fc.constantFrom(
    { src: '198.51.100.0/24', dst: '203.0.113.10/32', proto: 'udp', dport: 53 },
    { dst: '203.0.113.10/32', proto: 'tcp', sport: 1, dport: 65_535 },
    { dst: '203.0.113.0/24', proto: 47 },
    { dst: '2001:db8::1/128' },
    { src: '::/0', dst: '2001:db8::/32', proto: 'icmp6' },
  ),
  zone: fc.constantFrom(0, 1, 15),
});
const words = fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1);
const values: fc.Arbitrary<EntryValue> = fc
  .record({
    rev: words,
    until: fc.constantFrom(0n, 0n, 1n, 2n ** 64n - 1n),
    slot: words,
    ifindex: fc.constantFrom(0, 3),
    action: fc.constantFrom('pass', 'drop', 'send'),
    keepTtl: fc.boolean(),
    mtu: fc.constantFrom(0, 1500),
    dmac: fc.constantFrom(NO_MAC, '02:00:00:00:01:01'),
    smac: fc.constantFrom(NO_MAC, '02:00:00:00:01:01'),
    guarded: fc.boolean(),
  })
  .map(({ guarded, ...value }) => ({ ...value, ...(guarded && { guarded }) }));
const entries: fc.Arbitrary<ObservedEntry> = fc
  .record({ key: keys, value: values, sound: fc.boolean() })
  .map(({ key, ...entry }) => ({ key: { match: parseMatch(key.match), zone: key.zone }, ...entry }));
const steps = fc.array(fc.record({ act: fc.constantFrom('set', 'set', 'delete', 'share', 'keep'), entry: entries }), {
  maxLength: 80,
});

/** What is shared moves to the end. */
const sorted = (map: ReadonlyMap<string, ObservedEntry>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

test('observed entries: they are what a map of objects would be, whatever is done with them', (t) => {
  fc.assert(
    fc.property(steps, (all) => {
      const [packed, plain] = [new ObservedEntries(), new Map<string, ObservedEntry>()];
      for (const { act, entry } of all) {
        const id = entryId(entry.key);
        if (act === 'set') {
          packed.set(id, entry);
          plain.set(id, entry);
        } else if (act === 'delete') t.is(packed.delete(id), plain.delete(id));
        else {
          packed[act](id, entry.key.match);
          const stands = plain.get(id);
          if (stands !== undefined) t.is(packed.get(id)?.key.match, entry.key.match, 'the very match');
        }
        t.is(packed.has(id), plain.has(id));
        t.deepEqual(packed.get(id), plain.get(id));
      }
      t.is(packed.size, plain.size);
      t.deepEqual(sorted(packed), sorted(plain));
      t.deepEqual([...packed.keys()].sort(), [...plain.keys()].sort());
      t.deepEqual([...packed.slots()].sort(), [...plain.values().map(({ value }) => value.slot)].sort());
      for (const [id, { value, sound }] of plain) {
        t.is(packed.soundSlotOf(id), sound ? value.slot : undefined);
        t.deepEqual(packed.lookAt(packed.rowOf(id) ?? -1), { value, sound });
      }
    }),
  );
});

test('observed entries: rows of those that went are used again', (t) => {
  const it = new ObservedEntries();
  const entry = (n: number): ObservedEntry => ({
    key: { match: parseMatch({ dst: `10.0.0.${n}/32` }), zone: 0 },
    value: {
      ...{ rev: n, until: 1n, slot: n, ifindex: 3, action: 'send', keepTtl: false, mtu: 1500 },
      ...{ dmac: NO_MAC, smac: NO_MAC },
    },
    sound: true,
  });
  const put = (n: number): void => it.set(entryId(entry(n).key), entry(n));
  const rows = (): number[] => [...it.rows()].sort((a, b) => a - b);
  for (let n = 0; n < 200; n += 1) put(n);
  for (let n = 0; n < 100; n += 1) it.delete(entryId(entry(n).key));
  for (let n = 200; n < 256; n += 1) put(n);
  t.is(it.size, 156);
  t.true((rows().at(-1) ?? 0) < 200);
  t.deepEqual(it.get(entryId(entry(255).key)), entry(255));
});

test('commons: each is kept once, and for as long as somebody has it', (t) => {
  const it = new Commons<{ readonly at: string }>(
    (a, b) => a.at === b.at,
    ({ at }) => at,
  );
  const first = { at: 'a' };
  const [a, b] = [it.take(first), it.take({ at: 'b' })];
  t.deepEqual([it.take({ at: 'a' }), it.take({ at: 'a' }), it.size], [a, a, 2]);
  t.is(it.at(a), first);
  it.leave(a);
  it.leave(a);
  t.is(it.at(a), first, 'one has it still');
  it.leave(a);
  t.is(it.size, 1);
  t.throws(() => it.at(a), { instanceOf: RangeError });
  t.is(it.take({ at: 'c' }), a, 'its number is free');
  t.deepEqual([it.at(a), it.at(b)], [{ at: 'c' }, { at: 'b' }]);
  it.leave(b);
  t.is(it.at(it.take({ at: 'b' })).at, 'b', 'and what went may come again');
});
