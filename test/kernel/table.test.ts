import { STRUCTS } from '../../agent/kernel/abi.ts';
import { encodeKey, encodeValue } from '../../agent/kernel/layout.ts';
import { parseMatch } from '../../protocol/match.ts';
import { kernelTests } from '../support/kernel.ts';
import { must } from '../support/must.ts';
import { frame, ipv4, ipv6, udp } from '../support/packets.ts';
import { SEND } from './loaded-program.ts';
import { keyOf, TabledProgram } from './tabled-program.ts';

const kernel = kernelTests();
const ROW = STRUCTS.row4;
const A = '203.0.113.1';
const B = '203.0.113.2';
const WINDOW = 8n; // of 1 << 8 jiffies

const to = (dst: string): Uint8Array => frame(dst.includes(':') ? ipv6(udp(), { dst }) : ipv4(udp(), { dst }));

/** What a packet meets: several looks, which have to be one answer. */
function answer(held: TabledProgram, dst: string, looks = 3): string {
  const said = new Set(Array.from({ length: looks }, () => held.program.run(to(dst)).verdict));
  return [...said].sort().join(' or ');
}

/** With the shape of single addresses live, and a table. */
function tabled(options = {}): TabledProgram {
  const held = new TabledProgram(options);
  const others = ['198.51.100.255', '2001:db8::ff'].map(
    (dst) => ({ match: { dst }, action: 'pass', slot: 9 }) as const,
  );
  held.program.install(...others);
  held.readBack();
  return held;
}

/** The bytes of the only row that is used beside that of the installed entry. */
function rowOf(held: TabledProgram, half: number, dst: string): { readonly index: number; readonly bytes: Uint8Array } {
  const { native, maps } = held.program;
  const key = encodeKey(parseMatch({ dst }), 0);
  const { values } = native.mapDump(maps.rows4, 0);
  const rows = values.length / ROW.size;
  for (let index = ((half - 1) * rows) / 2; index < (half * rows) / 2; index += 1) {
    const bytes = values.subarray(index * ROW.size, (index + 1) * ROW.size);
    if (Buffer.compare(bytes.subarray(0, key.length), key) === 0) return { index, bytes: bytes.slice() };
  }
  throw new Error(`no row of ${dst}`);
}

/** Each state between two of a row: some of the words that differ are stored already, in whatever order. */
function* between(before: Uint8Array, after: Uint8Array): Generator<Uint8Array> {
  const differ = Array.from({ length: ROW.size / 8 }, (_, word) => word * 8).filter(
    (at) => Buffer.compare(before.subarray(at, at + 8), after.subarray(at, at + 8)) !== 0,
  );
  for (let stored = 0; stored < 1 << differ.length; stored += 1) {
    const row = before.slice();
    for (const [i, at] of differ.entries()) if ((stored >> i) & 1) row.set(after.subarray(at, at + 8), at);
    yield row;
  }
}

kernel('table: packets meet what the maps say, through writes, changes, deletes, and what the map refuses', (t) => {
  using held = tabled({ entries: 4 });
  t.is(held.control.table(4), 1);
  t.is(answer(held, A), 'NO_MATCH');
  held.put([A, { action: 'drop', slot: 1 }]);
  t.is(answer(held, A), 'DROPPED');
  held.put([A, { action: 'pass', slot: 1 }], [B, { action: 'drop', slot: 2 }]);
  t.deepEqual([answer(held, A), answer(held, B)], ['PASSED', 'DROPPED']);
  const more = Array.from({ length: 8 }, (_, n) => `203.0.113.${n + 10}`);
  const done = held.put(...more.map((dst) => [dst, { action: 'drop', slot: 3 }] as const));
  t.true(done.includes(true) && done.includes(false), 'the map is full');
  t.deepEqual(
    more.map((dst) => answer(held, dst)),
    done.map((took) => (took ? 'DROPPED' : 'NO_MATCH')),
  );
  t.deepEqual(held.remove(A, '203.0.113.99'), [true, true]);
  t.deepEqual([answer(held, A), answer(held, B)], ['NO_MATCH', 'DROPPED']);
  held.readBack();
  t.deepEqual([answer(held, A), answer(held, B)], ['NO_MATCH', 'DROPPED']);
});

kernel(
  'table: an agent that is started anew leaves the half that it finds until it changes something or reads the map back',
  (t) => {
    using held = tabled();
    held.put([A, { action: 'drop', slot: 1 }]);
    held.restart();
    t.is(held.control.table(4), 1);
    held.put([A, { action: 'pass', slot: 1 }]);
    t.is(held.control.table(4), 0, 'none: what it does not know may say something else now');
    t.is(answer(held, A), 'PASSED');
    held.readBack();
    t.is(held.control.table(4), 1);
    t.is(answer(held, A), 'PASSED');
    held.restart();
    held.readBack();
    t.is(held.control.table(4), 2);
    t.is(answer(held, A), 'PASSED');
  },
);

kernel(
  'table: what stands in the map is met once an agent has read it back, whatever one that was killed left of it',
  (t) => {
    using held = tabled();
    const [a, b] = [A, B].map((dst) => encodeKey(keyOf(dst).match, 0)) as [Uint8Array, Uint8Array];
    held.put([B, { action: 'drop', slot: 2 }]);
    held.program.write(a, encodeValue(a, { ...SEND, action: 'drop' })); // killed before the row was written
    held.table?.removeRows(b); // killed before the entry was deleted
    t.deepEqual([answer(held, A), answer(held, B)], ['NO_MATCH', 'NO_MATCH']);
    held.restart();
    for (const _ of held.entries.observe());
    t.deepEqual([answer(held, A), answer(held, B)], ['DROPPED', 'DROPPED'], 'as soon as it may be said to stand');
    while (held.entries.tend());
    t.deepEqual([held.control.table(4), answer(held, A), answer(held, B)], [2, 'DROPPED', 'DROPPED']);
  },
);

kernel('table: IPv6 packets meet what their map says, from a table of their own', (t) => {
  using held = tabled();
  const [a, b] = ['2001:db8::1', '2001:db8::2'];
  held.put([a, { action: 'drop', slot: 1 }]);
  t.deepEqual([held.control.table(6), answer(held, a), answer(held, b)], [1, 'DROPPED', 'NO_MATCH']);
  held.put([a, { action: 'pass', slot: 1 }], [b, { action: 'drop', slot: 2 }]);
  t.deepEqual([answer(held, a), answer(held, b)], ['PASSED', 'DROPPED']);
  held.restart();
  held.readBack();
  t.deepEqual([held.control.table(6), answer(held, a), answer(held, b)], [2, 'PASSED', 'DROPPED']);
  held.remove(a);
  t.deepEqual([answer(held, a), answer(held, b)], ['NO_MATCH', 'DROPPED']);
  held.program.erase(encodeKey(keyOf(b).match, 0));
  held.readBack();
  t.is(answer(held, b), 'NO_MATCH');
});

kernel('table: what changes while a half is built stands in it', (t) => {
  using held = tabled({ rowBits: 13, entries: 8192 });
  const dsts = Array.from({ length: 3_000 }, (_, n) => `203.1.${n >> 8}.${n & 255}`);
  held.put(...dsts.map((dst) => [dst, { action: 'drop', slot: 1 }] as const));
  held.restart();
  for (const _ of held.entries.observe());
  t.true(held.entries.tend());
  held.remove(dsts[0] as string);
  held.put([dsts[1] as string, { action: 'pass', slot: 1 }], [A, { action: 'pass', slot: 1 }]);
  t.true(held.entries.tend());
  held.put([dsts[2999] as string, { action: 'pass', slot: 1 }]);
  while (held.entries.tend());
  t.is(held.control.table(4), 2);
  t.is(answer(held, dsts[0] as string), 'NO_MATCH');
  for (const dst of [dsts[1], dsts[2999], A]) t.is(answer(held, dst as string), 'PASSED');
  t.is(answer(held, dsts[2] as string), 'DROPPED');
});

kernel(
  'table: an entry that somebody else deletes is met no longer than its window of jiffies, and never after a read-back',
  (t) => {
    using held = tabled();
    const { program } = held;
    held.put([A, { action: 'drop', slot: 1 }], [B, { action: 'drop', slot: 2 }]);
    t.deepEqual([answer(held, A), answer(held, B)], ['DROPPED', 'DROPPED']);
    const began = program.now();
    for (const dst of [A, B]) program.erase(encodeKey(keyOf(dst).match, 0));
    const late: bigint[] = [];
    let last = began;
    for (let now = began; now >> WINDOW === began >> WINDOW || last === now; now = program.now()) {
      if (program.run(to(A)).verdict === 'DROPPED') last = program.now();
      if (now >> WINDOW !== began >> WINDOW) break;
    }
    for (let n = 0; n < 1_000; n += 1) {
      const now = program.now();
      if (program.run(to(A)).verdict !== 'NO_MATCH') late.push(now);
    }
    t.deepEqual(late, [], 'with the agent dead, under traffic');
    t.is(answer(held, B), 'NO_MATCH', 'quiet until then');
    t.log(`under traffic the last hit was ${last - began} jiffies after it was deleted`);
    held.put([A, { action: 'drop', slot: 1 }]);
    t.is(answer(held, A), 'DROPPED');
    program.erase(encodeKey(keyOf(A).match, 0));
    held.readBack();
    t.is(answer(held, A), 'NO_MATCH');
  },
);

kernel('table: an entry that somebody else inserts is met once it was read back', (t) => {
  using held = tabled();
  const key = encodeKey(keyOf(A).match, 0);
  held.program.write(key, encodeValue(key, { ...SEND, action: 'drop' }));
  t.is(answer(held, A), 'NO_MATCH');
  held.readBack();
  t.is(answer(held, A), 'DROPPED');
  held.program.erase(key);
  held.entries.lookup([keyOf(A)]);
  t.is(answer(held, A), 'NO_MATCH');
});

kernel(
  "table: whichever words of a change are stored when its writer dies, each key has one answer, the map's",
  (t) => {
    using held = tabled();
    const { native, maps } = held.program;
    const memory = must('rows4', native.mapMmap(maps.rows4, true));
    const store = (index: number, row: Uint8Array): number => native.memoryWrite(memory, index * ROW.size, row);
    held.put([A, { action: 'drop', slot: 1, rev: 1 }]);
    const old = rowOf(held, 1, A);
    held.put([
      A,
      { action: 'pass', slot: 2, rev: 2, until: 2n ** 60n, ifindex: 78, dmac: '02:01:02:03:04:05', mtu: 9000 },
    ]);
    const changed = rowOf(held, 1, A);
    t.is(changed.index, old.index);
    let states = 0;
    const broken = old.bytes.slice();
    for (let at: number = ROW.check; at < ROW.check + 8; at += 1) broken[at] = (old.bytes[at] ?? 0) ^ 255;
    for (const row of between(broken, changed.bytes)) {
      states += 1;
      store(old.index, row);
      if (answer(held, A) !== 'PASSED')
        return t.fail(`changed: ${answer(held, A)} of ${Buffer.from(row).toString('hex')}`);
    }
    store(old.index, changed.bytes);
    const gone = changed.bytes.slice();
    gone[ROW.state] = 2;
    for (const [name, before] of [
      ['empty', new Uint8Array(ROW.size)],
      [
        'of another key that went',
        (() => {
          const other = gone.slice();
          other.set(encodeKey(parseMatch({ dst: B }), 0), 0);
          return other;
        })(),
      ],
    ] as const)
      for (const row of between(before, changed.bytes)) {
        states += 1;
        store(old.index, row);
        const [mine, others] = [answer(held, A), answer(held, B)];
        if ((mine !== 'PASSED' && mine !== 'NO_MATCH') || others !== 'NO_MATCH')
          return t.fail(`new in a row that was ${name}: ${mine}, the other key ${others}`);
      }
    store(old.index, gone);
    t.is(answer(held, A), 'NO_MATCH', 'deleted');
    held.program.erase(encodeKey(keyOf(A).match, 0));
    t.is(answer(held, A), 'NO_MATCH');
    t.log(`${states} states of a row`);
    t.true(states > 300);
    native.close(memory);
    return undefined;
  },
);
