import test from 'ava';
import { EntryMaps } from '../../../../agent/kernel/entry-maps.ts';
import { encodeKey, encodeValue } from '../../../../agent/kernel/layout.ts';
import { KernelError } from '../../../../agent/model/kernel-error.ts';
import { parseMatch } from '../../../../protocol/match.ts';

const ENOSPC = -28;
const KEY = encodeKey(parseMatch({ dst: '10.0.0.1' }), 0);
const VALUE = encodeValue(KEY, {
  ...{ rev: 1, until: 0n, slot: 1, ifindex: 2, action: 'drop', keepTtl: false, mtu: 1500 },
  dmac: '02:00:00:00:00:01',
  smac: '02:00:00:00:00:02',
});

/** Of IPv4 one entry, in a bucket of so many that they are read in one go; and the room that was offered for them. */
function crowded(bucket: number) {
  const rooms: number[] = [];
  const mapRead = (map: unknown, _from: unknown, keys: Uint8Array, values: Uint8Array) => {
    if (map === 6) return { rc: 0, count: 0, next: null };
    const room = keys.length / KEY.length;
    rooms.push(room);
    if (room < bucket) return { rc: ENOSPC, count: 0, next: null };
    keys.set(KEY);
    values.set(VALUE);
    return { rc: 0, count: 1, next: null };
  };
  return { entries: new EntryMaps({ mapRead } as never, { 4: 4 as never, 6: 6 as never }), rooms };
}

test('entry maps: what finds no room at once is read with more, and the next look begins with little again', (t) => {
  const { entries, rooms } = crowded(5_000);
  t.is([...entries.look().changed].length, 1);
  t.deepEqual(rooms.splice(0), [2_048, 4_096, 8_192]);
  while (entries.look().more);
  t.is([...entries.look().changed].length, 0);
  t.deepEqual(rooms, [2_048, 4_096, 8_192]);
  t.is([...entries.observe()].length, 1);
});

test('entry maps: a map that has never enough room is not read for ever', (t) => {
  const { entries } = crowded(Number.POSITIVE_INFINITY);
  t.throws(() => entries.look(), { instanceOf: KernelError, message: 'map read redirect4: ENOSPC' });
});
