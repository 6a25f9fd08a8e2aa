/** What every Kernel does, said once: each case and the exact answers that it must get. */
import { type EntryValue, NO_MAC } from '../../agent/model/entry.ts';
import { type EntryKey, entryId } from '../../agent/model/entry-key.ts';
import type { Op } from '../../agent/model/op.ts';
import type { Kernel } from '../../agent/ports.ts';
import { keyOf as matchKey } from '../../protocol/key.ts';
import { parseMatch } from '../../protocol/match.ts';
import { type Shape, shapeOf, shapeText } from '../../protocol/shape.ts';
import { SLOTS, type Subject } from './subject.ts';

export interface Case {
  readonly title: string;
  /** Answers plain data; bigint is compared as decimal text. */
  readonly run: (subject: Subject) => unknown;
  readonly expected: unknown;
}

/** Entries that a map of each family holds. */
const ROOM = SLOTS * 4;
const UNKNOWN_IFINDEX = 99_999;
const DONE = { done: true };
const ABSENT = { done: true, absent: true };
const FULL = { done: false, errno: 'E2BIG' };

export function keyOf(n: number, family: 4 | 6 = 4, zone = 0): EntryKey {
  const dst = family === 4 ? `10.0.0.${n}/32` : `2001:db8::${n.toString(16)}/128`;
  return { match: parseMatch({ dst, proto: 'udp', dport: 53 }), zone };
}

export function drop(slot: number, rev = 1): EntryValue {
  return { rev, until: 0n, slot, ifindex: 0, action: 'drop', keepTtl: false, mtu: 0, dmac: NO_MAC, smac: NO_MAC };
}

export function send(slot: number, ifindex: number, rev = 1): EntryValue {
  const [dmac, smac] = ['02:00:00:00:00:01', '02:00:00:00:00:02'];
  return { rev, until: 2n ** 40n, slot, ifindex, action: 'send', keepTtl: true, mtu: 1500, dmac, smac };
}

export function write(key: EntryKey, value: EntryValue): Op {
  return { op: 'write', id: entryId(key), key, value };
}

export function remove(key: EntryKey): Op {
  return { op: 'delete', id: entryId(key), key };
}

const many = (count: number, from = 0): EntryKey[] => Array.from({ length: count }, (_, n) => keyOf(from + n + 1));

const port = (ifindex: number, present: boolean): Op => ({ op: 'port', ifindex, present });

/** Everything that stands, in an order that says nothing. */
export function standing(kernel: Kernel): unknown {
  const { entries, shapes } = kernel.entries.observe();
  const rows = [...entries].map(([id, { value, sound }]) => ({ id, value, sound }));
  rows.sort((a, b) => (a.id < b.id ? -1 : 1));
  const ports = [...kernel.net.network().ports].sort(([a], [b]) => a - b);
  return { rows, shapes: { 4: textsOf(shapes[4]), 6: textsOf(shapes[6]) }, ports };
}

/** All parts of one look: by id, whether what stands otherwise is sound; null where nothing stands any more. */
export function lookAtAll(kernel: Kernel): readonly (readonly [string, boolean | null])[] {
  const found: [string, boolean | null][] = [];
  for (let isLast = false; !isLast; ) {
    const { changed, rest } = kernel.entries.look();
    for (const [id, entry] of changed) found.push([id, entry?.sound ?? null]);
    isLast = rest !== undefined;
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Of what is protected the keys, in an order that says nothing; null where it is no list of ours. */
export function protectedIn(kernel: Kernel): readonly string[] | null {
  return kernel.entries.observe().protects?.map(matchKey).sort() ?? null;
}

const textsOf = (shapes: readonly Shape[] | undefined): readonly string[] | null => shapes?.map(shapeText) ?? null;
const idsOf = (kernel: Kernel): string[] => [...new Map(kernel.entries.observe().entries).keys()].sort();
const SHAPES = [24, 16, 8].map((bits) => shapeOf(parseMatch({ dst: `10.0.0.0/${bits}` })));
const TEXTS = SHAPES.map(shapeText);

export const CASES: readonly Case[] = [
  {
    title: 'new maps are empty, without mark or bypass, and as large as was asked',
    run: ({ kernel }) => [standing(kernel), kernel.words.mark() ?? null, kernel.words.bypass(), kernel.entries.limits],
    expected: [
      { rows: [], shapes: { 4: [], 6: [] }, ports: [] },
      null,
      false,
      { slots: SLOTS, shapes: 8, mtu: 65_535 },
    ],
  },
  {
    title: 'what was written is observed, of both families, with and without a zone',
    run: ({ kernel }) => {
      const [a, b, c] = [keyOf(1), keyOf(1, 6), keyOf(1, 4, 3)];
      const results = kernel.entries.apply([write(a, drop(0)), write(b, send(1, 7)), write(c, drop(2))]);
      return [results, standing(kernel)];
    },
    expected: [
      [DONE, DONE, DONE],
      {
        rows: [
          { id: 'v4 udp 0.0.0.0/0:* > 10.0.0.1/32:53', value: drop(0), sound: true },
          { id: 'v4 udp 0.0.0.0/0:* > 10.0.0.1/32:53 zone 3', value: drop(2), sound: true },
          { id: 'v6 udp [::/0]:* > [2001:db8::1/128]:53', value: send(1, 7), sound: true },
        ],
        shapes: { 4: [], 6: [] },
        ports: [],
      },
    ],
  },
  {
    title: 'a write over an entry replaces it, also twice in one call',
    run: ({ kernel }) => {
      kernel.entries.apply([write(keyOf(1), drop(0))]);
      kernel.entries.apply([write(keyOf(1), drop(0, 2)), write(keyOf(1), send(0, 3, 3))]);
      return [...new Map(kernel.entries.observe().entries).values()].map((it) => it.value);
    },
    expected: [send(0, 3, 3)],
  },
  {
    title: 'a delete of an absent entry is done and says so, wherever it is in a call',
    run: ({ kernel }) => {
      kernel.entries.apply(many(4).map((key, slot) => write(key, drop(slot))));
      const asked = [8, 9, 1, 7, 2, 2, 6, 4, 5].map((n) => remove(keyOf(n)));
      return [kernel.entries.apply(asked), idsOf(kernel)];
    },
    expected: [
      [ABSENT, ABSENT, DONE, ABSENT, DONE, ABSENT, ABSENT, DONE, ABSENT],
      ['v4 udp 0.0.0.0/0:* > 10.0.0.3/32:53'],
    ],
  },
  {
    title: 'ops are carried out in the order given, whatever their kinds',
    run: (subject) => {
      const { kernel } = subject;
      const ifindex = subject.addNetdev('conf0');
      const ops = [
        ...[remove(keyOf(1)), write(keyOf(1), drop(0)), port(ifindex, true), remove(keyOf(1))],
        ...[write(keyOf(1, 6), drop(1)), port(ifindex, false), remove(keyOf(2)), write(keyOf(2), drop(2))],
      ];
      return [kernel.entries.apply(ops), idsOf(kernel), kernel.net.network().ports.size];
    },
    expected: [
      [ABSENT, DONE, DONE, DONE, DONE, DONE, ABSENT, DONE],
      ['v4 udp 0.0.0.0/0:* > 10.0.0.2/32:53', 'v6 udp [::/0]:* > [2001:db8::1/128]:53'],
      0,
    ],
  },
  {
    title: 'a full map refuses new entries with E2BIG and still takes overwrites, in one call',
    run: ({ kernel }) => {
      const filled = kernel.entries.apply(many(ROOM).map((key) => write(key, drop(0))));
      const mixed = [50, 1, 51, 52, 2, 53].map((n) => write(keyOf(n), drop(1, 2)));
      const results = kernel.entries.apply(mixed);
      const revs = [1, 2, 3].map((n) => new Map(kernel.entries.observe().entries).get(entryId(keyOf(n)))?.value.rev);
      return [filled.every((it) => it.done), results, new Map(kernel.entries.observe().entries).size, revs];
    },
    expected: [true, [FULL, DONE, FULL, FULL, DONE, FULL], ROOM, [2, 2, 1]],
  },
  {
    title: 'a full map of one family leaves the other alone, and a delete makes room at once',
    run: ({ kernel }) => {
      kernel.entries.apply(many(ROOM).map((key) => write(key, drop(0))));
      return kernel.entries.apply([write(keyOf(1, 6), drop(1)), remove(keyOf(1)), write(keyOf(40), drop(2))]);
    },
    expected: [DONE, DONE, DONE],
  },
  {
    title: 'a look-up answers the entries of these keys and leaves absent ones out',
    run: ({ kernel }) => {
      kernel.entries.apply([write(keyOf(1), drop(0)), write(keyOf(2), drop(1)), write(keyOf(1, 6), drop(2))]);
      const found = kernel.entries.lookup([keyOf(2), keyOf(3), keyOf(1, 6), keyOf(1, 4, 1)]);
      return [[...found.keys()], [...found.values()].map(({ value, sound }) => [value.slot, sound])];
    },
    expected: [
      ['v4 udp 0.0.0.0/0:* > 10.0.0.2/32:53', 'v6 udp [::/0]:* > [2001:db8::1/128]:53'],
      [
        [1, true],
        [2, true],
      ],
    ],
  },
  {
    title: 'an entry whose check does not fit is shown as unsound until it is written',
    run: (subject) => {
      const { kernel } = subject;
      subject.plantUnsound(keyOf(1), drop(3));
      const soundness = (): unknown => [...new Map(kernel.entries.observe().entries).values()].map((it) => it.sound);
      const before = [soundness(), kernel.entries.lookup([keyOf(1)]).get(entryId(keyOf(1)))?.sound];
      kernel.entries.apply([write(keyOf(1), drop(3))]);
      return [before, soundness()];
    },
    expected: [[[false], false], [true]],
  },
  {
    title: 'a port is added once or twice, removed, and its removal is absent afterwards',
    run: (subject) => {
      const ifindex = subject.addNetdev('conf0');
      const ops = [port(ifindex, true), port(ifindex, true)];
      const added = subject.kernel.entries.apply(ops);
      const shown = subject.kernel.net.network().ports.get(ifindex) === ifindex;
      return [added, shown, subject.kernel.entries.apply([port(ifindex, false), port(ifindex, false)])];
    },
    expected: [[DONE, DONE], true, [DONE, ABSENT]],
  },
  {
    title: 'a port of an ifindex that nobody has is EINVAL, and the ops after it go on',
    run: (subject) => {
      const ifindex = subject.addNetdev('conf0');
      return subject.kernel.entries.apply([
        port(UNKNOWN_IFINDEX, true),
        port(ifindex, true),
        port(UNKNOWN_IFINDEX, false),
      ]);
    },
    expected: [{ done: false, errno: 'EINVAL' }, DONE, ABSENT],
  },
  {
    title: 'a port goes with its netdev, and an entry that points there stays',
    run: (subject) => {
      const { kernel } = subject;
      const [gone, stays] = [subject.addNetdev('conf0'), subject.addNetdev('conf1')];
      kernel.entries.apply([port(gone, true), port(stays, true), write(keyOf(1), send(0, gone))]);
      subject.removeNetdev('conf0');
      const { netdevs, ports } = kernel.net.network();
      const names = netdevs.filter((dev) => dev.name.startsWith('conf') && dev.zone === 0).map((dev) => dev.name);
      return [
        names,
        [...ports].map(([key, to]) => key === stays && to === stays),
        new Map(kernel.entries.observe().entries).size,
        kernel.entries.apply([port(gone, false)]),
      ];
    },
    expected: [['conf1'], [true], 1, [ABSENT]],
  },
  {
    title: 'a port that somebody led elsewhere is seen to lead there, goes with that netdev, and is mended by one op',
    run: (subject) => {
      const { kernel } = subject;
      const [own, other] = [subject.addNetdev('conf0'), subject.addNetdev('conf1')];
      const leads = (key: number): string => {
        const to = kernel.net.network().ports.get(key);
        return to === own ? 'own' : to === other ? 'other' : String(to);
      };
      kernel.entries.apply([port(own, true)]);
      const seen = [leads(own)];
      subject.lead(own, other);
      subject.lead(UNKNOWN_IFINDEX, other);
      seen.push(leads(own), leads(UNKNOWN_IFINDEX));
      const mended = kernel.entries.apply([port(own, true)]);
      seen.push(leads(own));
      subject.lead(own, other);
      subject.removeNetdev('conf1');
      return [seen, mended, leads(own), leads(UNKNOWN_IFINDEX)];
    },
    expected: [['own', 'other', 'other', 'own'], [DONE], 'undefined', 'undefined'],
  },
  {
    title: 'a look tells what stands otherwise than it was seen or written, and nothing else',
    run: (subject) => {
      const { kernel } = subject;
      kernel.entries.apply([write(keyOf(1), drop(0)), write(keyOf(1, 6), drop(1))]);
      const own = lookAtAll(kernel);
      subject.plantUnsound(keyOf(2), drop(2));
      subject.plantUnsound(keyOf(1), drop(0));
      const [planted, again] = [lookAtAll(kernel), lookAtAll(kernel)];
      kernel.entries.apply([remove(keyOf(2)), write(keyOf(1), drop(0, 5)), write(keyOf(1, 6), drop(1, 7))]);
      return [own, planted, again, lookAtAll(kernel)];
    },
    expected: [
      [],
      [
        ['v4 udp 0.0.0.0/0:* > 10.0.0.1/32:53', false],
        ['v4 udp 0.0.0.0/0:* > 10.0.0.2/32:53', false],
      ],
      ...[[], []],
    ],
  },
  {
    title: 'a look tells what went, and strays that it met are swept',
    run: (subject) => {
      const { kernel } = subject;
      kernel.entries.apply([write(keyOf(1), drop(0)), write(keyOf(1, 6), drop(1))]);
      for (const family of [4, 6] as const) subject.plantStray(family, 0);
      const [before, swept] = [lookAtAll(kernel), kernel.entries.sweep()];
      subject.uproot(keyOf(1));
      const [gone, again] = [lookAtAll(kernel), lookAtAll(kernel)];
      return [before, swept, gone, again, kernel.entries.sweep()];
    },
    expected: [
      [],
      { removed: { 4: 1, 6: 1 }, more: false },
      [['v4 udp 0.0.0.0/0:* > 10.0.0.1/32:53', null]],
      [],
      { removed: { 4: 0, 6: 0 }, more: false },
    ],
  },
  {
    title: 'what was looked up and met otherwise than it was known, the next look tells, whatever it meets',
    run: (subject) => {
      const { kernel } = subject;
      subject.plantUnsound(keyOf(1), drop(0));
      subject.plantUnsound(keyOf(2), drop(1));
      const found = kernel.entries.lookup([keyOf(1), keyOf(2), keyOf(3)]).size;
      subject.uproot(keyOf(1));
      const told = [lookAtAll(kernel), lookAtAll(kernel)];
      subject.uproot(keyOf(2));
      const left = kernel.entries.lookup([keyOf(1), keyOf(2)]).size;
      return [found, ...told, left, lookAtAll(kernel), lookAtAll(kernel)];
    },
    expected: [
      2,
      [
        ['v4 udp 0.0.0.0/0:* > 10.0.0.1/32:53', null],
        ['v4 udp 0.0.0.0/0:* > 10.0.0.2/32:53', false],
      ],
      [],
      0,
      [['v4 udp 0.0.0.0/0:* > 10.0.0.2/32:53', null]],
      [],
    ],
  },
  {
    title: 'what was refused is not taken for what stands',
    run: (subject) => {
      const { kernel } = subject;
      for (let n = 0; n < ROOM; n += 1) subject.plantStray(4, n);
      const refused = kernel.entries.apply([write(keyOf(1), drop(0)), write(keyOf(2), drop(1))]);
      return [refused, lookAtAll(kernel)];
    },
    expected: [[FULL, FULL], []],
  },
  {
    title: 'entries with keys that no match has take room, are not observed, and go when they are swept',
    run: (subject) => {
      const { kernel } = subject;
      kernel.entries.apply([write(keyOf(1), drop(0)), write(keyOf(1, 6), drop(1))]);
      for (let n = 0; n < ROOM - 1; n += 1) subject.plantStray(4, n);
      subject.plantStray(6, 0);
      const refused = kernel.entries.apply([write(keyOf(2), drop(2)), write(keyOf(1), drop(0, 2))]);
      const unseen = kernel.entries.sweep();
      const before = idsOf(kernel);
      const swept = [kernel.entries.sweep(), kernel.entries.sweep()];
      idsOf(kernel);
      const again = kernel.entries.sweep();
      return [refused, unseen, before, swept, again, kernel.entries.apply([write(keyOf(2), drop(2))]), idsOf(kernel)];
    },
    expected: [
      [FULL, DONE],
      { removed: { 4: 0, 6: 0 }, more: false },
      ['v4 udp 0.0.0.0/0:* > 10.0.0.1/32:53', 'v6 udp [::/0]:* > [2001:db8::1/128]:53'],
      [
        { removed: { 4: ROOM - 1, 6: 1 }, more: false },
        { removed: { 4: 0, 6: 0 }, more: false },
      ],
      { removed: { 4: 0, 6: 0 }, more: false },
      [DONE],
      [
        ...['v4 udp 0.0.0.0/0:* > 10.0.0.1/32:53', 'v4 udp 0.0.0.0/0:* > 10.0.0.2/32:53'],
        'v6 udp [::/0]:* > [2001:db8::1/128]:53',
      ],
    ],
  },
  {
    title: 'a list of shapes with other masks than ours is none, until one is published',
    run: (subject) => {
      const { kernel } = subject;
      const live = (): unknown => [4, 6].map((family) => textsOf(kernel.entries.observe().shapes[family as 4 | 6]));
      kernel.entries.apply([{ op: 'shapes', family: 4, shapes: SHAPES }]);
      const seen = [live()];
      subject.damageShapes(4);
      seen.push(live());
      subject.damageShapes(6);
      seen.push(live());
      kernel.entries.apply([{ op: 'shapes', family: 4, shapes: SHAPES }]);
      seen.push(live());
      kernel.entries.apply([{ op: 'shapes', family: 6, shapes: [] }]);
      return [...seen, live()];
    },
    expected: [
      [TEXTS, []],
      [null, []],
      [null, null],
      [TEXTS, null],
      [TEXTS, []],
    ],
  },
  {
    title: 'the shapes published last are live, each family by itself, over and over',
    run: ({ kernel }) => {
      const results = [
        ...kernel.entries.apply([{ op: 'shapes', family: 4, shapes: SHAPES }]),
        ...kernel.entries.apply([{ op: 'shapes', family: 6, shapes: [shapeOf(keyOf(1, 6).match)] }]),
      ];
      const first = kernel.entries.observe().shapes;
      const texts = [first[4], first[6]].map(textsOf);
      for (const count of [2, 1, 3, 0, 2]) {
        kernel.entries.apply([{ op: 'shapes', family: 4, shapes: SHAPES.slice(0, count) }]);
      }
      return [
        results,
        texts,
        textsOf(kernel.entries.observe().shapes[4]),
        textsOf(kernel.entries.observe().shapes[6])?.length,
      ];
    },
    expected: [[DONE, DONE], [TEXTS, ['v6 /0 > /128 proto dport']], TEXTS.slice(0, 2), 1],
  },
  {
    title: 'a ninth shape or one of the other family is a programming error',
    run: ({ kernel }) =>
      [Array.from({ length: 9 }, () => SHAPES[0]), [shapeOf(keyOf(1, 6).match)]].map((shapes) => {
        try {
          return kernel.entries.apply([{ op: 'shapes', family: 4, shapes: shapes as typeof SHAPES }]);
        } catch (error) {
          return (error as Error).name;
        }
      }),
    expected: ['RangeError', 'RangeError'],
  },
  {
    title: 'what is protected is what was published last, of both families, over and over, until somebody damages it',
    run: (subject) => {
      const { kernel } = subject;
      const live = (): unknown => protectedIn(kernel);
      const results = [16, 3, 0, 2].map((count) => {
        const matches = [...many(count), ...many(count).map((_, n) => keyOf(n + 1, 6))].map(({ match }) => match);
        return [kernel.entries.apply([{ op: 'protect', matches }]), (live() as unknown[]).length];
      });
      const stood = live();
      subject.damageProtected();
      const damaged = live();
      kernel.entries.apply([{ op: 'protect', matches: [keyOf(1).match] }]);
      return [results, stood, damaged, live()];
    },
    expected: [
      [32, 6, 0, 4].map((count) => [[DONE], count]),
      [
        'v4 udp 0.0.0.0/0:* > 10.0.0.1/32:53',
        'v4 udp 0.0.0.0/0:* > 10.0.0.2/32:53',
        'v6 udp [::/0]:* > [2001:db8::1/128]:53',
        'v6 udp [::/0]:* > [2001:db8::2/128]:53',
      ],
      null,
      ['v4 udp 0.0.0.0/0:* > 10.0.0.1/32:53'],
    ],
  },
  {
    title: 'a seventeenth protected match of a family is a programming error',
    run: ({ kernel }) => {
      try {
        return kernel.entries.apply([{ op: 'protect', matches: many(17).map(({ match }) => match) }]);
      } catch (error) {
        return (error as Error).name;
      }
    },
    expected: 'RangeError',
  },
  {
    title: 'the mark set last is the one that is read',
    run: ({ kernel }) =>
      [1, 2, 3].map((n) => {
        kernel.words.setMark({ epoch: `epoch-${'e'.repeat(n)}`, rev: n * 10, seq: n });
        return kernel.words.mark();
      }),
    expected: [1, 2, 3].map((n) => ({ epoch: `epoch-${'e'.repeat(n)}`, rev: n * 10, seq: n })),
  },
  {
    title: 'a mark of nothing is none, and ready is what was set last',
    run: ({ kernel: { words } }) => {
      const before = words.isReady();
      words.setMark({ epoch: 'e', rev: 1, seq: 1 });
      words.setMark({ epoch: '', rev: 0, seq: 0 });
      words.setReady(true);
      return [before, words.mark() ?? null, words.isReady()];
    },
    expected: [false, null, true],
  },
  {
    title: 'retire answers the last counts and sets them to zero, of these slots only',
    run: (subject) => {
      const { kernel } = subject;
      for (const slot of [0, 1, 3]) subject.count(slot, { packets: BigInt(slot + 1), bytes: 2n ** 40n, seen: 77n });
      const before = kernel.counts.counters([3, 2, 0]);
      const retired = kernel.counts.retire([3, 2]);
      return [before, retired, kernel.counts.counters([0, 1, 2, 3]), kernel.counts.retire([])];
    },
    expected: [
      [counter(4n), counter(0n), counter(1n)],
      [counter(4n), counter(0n)],
      [counter(1n), counter(2n), counter(0n), counter(0n)],
      [],
    ],
  },
  {
    title: 'the last hit of every slot is told at once, and settled counts stay',
    run: (subject) => {
      const { counts } = subject.kernel;
      for (const slot of [0, 3]) subject.count(slot, { packets: 1n, bytes: 2n ** 40n, seen: BigInt(slot + 5) });
      subject.count(1, { packets: 2n, bytes: 2n ** 40n, seen: 77n });
      return [[...counts.seen()], counts.settled([1, 2]), counts.settled([]), [...counts.seen()]];
    },
    expected: [[5, 77, 0, 8], [counter(2n), counter(0n)], [], [5, 77, 0, 8]],
  },
  {
    title: 'what every slot counted is told at once, in one counting, and follows what is retired',
    run: (subject) => {
      const { counts } = subject.kernel;
      const { epoch } = counts;
      const totals = (): unknown => ({ packets: [...counts.totals().packets], bytes: [...counts.totals().bytes] });
      for (const slot of [0, 3]) subject.count(slot, { packets: BigInt(slot + 1), bytes: 2n ** 40n, seen: 7n });
      const before = totals();
      counts.retire([3]);
      return [before, totals(), counts.epoch === epoch];
    },
    expected: [
      { packets: [1, 0, 0, 4], bytes: [2 ** 40, 0, 0, 2 ** 40] },
      { packets: [1, 0, 0, 0], bytes: [2 ** 40, 0, 0, 0] },
      true,
    ],
  },
  {
    title: 'the word for what may have passed unseen is another one each time, and lasts',
    run: (subject) => {
      const { words } = subject.kernel;
      const first = words.blinds();
      const same = words.blinds();
      subject.blind();
      const second = words.blinds();
      subject.blind();
      return [first === same, new Set([first, second, words.blinds()]).size];
    },
    expected: [true, 3],
  },
  {
    title: 'hits that were passed are told by verdict and slot, and go with retire, of these slots only',
    run: (subject) => {
      const { kernel } = subject;
      const none = passed(kernel);
      subject.pass(3, 'TOO_BIG', 2n ** 40n);
      subject.pass(1, 'TTL', 5n);
      subject.pass(3, 'TTL', 1n);
      const counted = passed(kernel);
      subject.pass(1, 'TTL', 2n);
      kernel.counts.retire([3, 2]);
      return [none, counted, passed(kernel)];
    },
    expected: [{}, { TOO_BIG: { 3: 2n ** 40n }, TTL: { 1: 5n, 3: 1n } }, { TTL: { 1: 7n } }],
  },
  {
    title: 'a verdict under which nothing more was passed has the same array, and another after one that is retired',
    run: (subject) => {
      const { counts } = subject.kernel;
      subject.pass(0, 'VLAN', 1n);
      subject.pass(0, 'NO_PORT', 1n);
      const before = counts.passed();
      subject.pass(1, 'VLAN', 1n);
      const grown = counts.passed();
      counts.retire([0]);
      const retired = counts.passed();
      const same = (a: typeof before, b: typeof before): unknown[] =>
        ['VLAN', 'NO_PORT'].map((name) => a?.get(name) === b?.get(name));
      return [same(before, grown), same(grown, counts.passed()), same(retired, counts.passed())];
    },
    expected: [
      [false, true],
      [false, false],
      [true, true],
    ],
  },
  {
    title: 'the clock does not go back and says how many jiffies a second has',
    run: ({ kernel }) => {
      const [first, second] = [kernel.clock.now(), kernel.clock.now()];
      return [first.jiffies > 0n, second.jiffies >= first.jiffies, [100, 250, 300, 1000].includes(first.hz)];
    },
    expected: [true, true, true],
  },
  {
    title:
      'where no route leads out of a device, an address of IPv4 is taken to be on its link, and one of IPv6 is not',
    run: (subject) => {
      const ifindex = subject.addNetdev('conf0');
      const [four, six] = ['198.51.100.9', 'fd00::9'];
      const resolved = subject.kernel.net.resolve([four, six].map((address) => ({ address, ifindex })));
      return resolved.map((hop) => (hop.state === 'no-route' ? hop : { ...hop, ifindex: hop.ifindex === ifindex }));
    },
    expected: [{ state: 'asking', ifindex: true, gateway: '198.51.100.9' }, { state: 'no-route' }],
  },
  {
    title: 'an address without a route is no-route, bound or not',
    run: (subject) => {
      const ifindex = subject.addNetdev('conf0');
      const resolved = subject.kernel.net.resolve([
        { address: '198.51.100.9' },
        { address: 'fd00::9', ifindex: UNKNOWN_IFINDEX },
      ]);
      return [resolved, ifindex > 0];
    },
    expected: [[{ state: 'no-route' }, { state: 'no-route' }], true],
  },
];

/** The counts that are not zero, by verdict and slot. */
function passed({ counts }: Kernel): unknown {
  const slots = (bySlot: BigUint64Array): unknown =>
    Object.fromEntries([...bySlot].flatMap((packets, slot) => (packets === 0n ? [] : [[slot, packets]])));
  const all = [...(counts.passed() ?? [])].map(([verdict, bySlot]) => [verdict, slots(bySlot)] as const);
  return Object.fromEntries(all.filter(([, bySlot]) => Object.keys(bySlot as object).length > 0).sort());
}

function counter(packets: bigint): unknown {
  const none = packets === 0n;
  return { packets, bytes: none ? 0n : 2n ** 40n, seen: none ? 0n : 77n };
}

/** As a result looks after its way through JSON. */
export function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, it: unknown) => (typeof it === 'bigint' ? String(it) : it)));
}
