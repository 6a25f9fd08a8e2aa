import test from 'ava';
import { type Pinned, stepsTo } from '../../../../agent/attach/steps.ts';
import type { NetLink } from '../../../../native/index.ts';
import { link } from './links.ts';

const pin = (name: string, ifindex: number): Pinned => ({ name, ifindex });
const many = (count: number, from = 0): readonly string[] => Array.from({ length: count }, (_, at) => `v${from + at}`);

/** Each pin whose device is there has its zone, and the device a program. */
function steps(interfaces: readonly string[], bare: readonly NetLink[], pins: readonly Pinned[]) {
  const isPinned = (one: NetLink): boolean => pins.some(({ ifindex }) => ifindex === one.ifindex);
  const links = bare.map((one) => (isPinned(one) ? { ...one, xdpMode: 2 } : one));
  const zones = [0, ...pins.map(({ ifindex }) => ifindex).filter((ifindex) => ifindex !== 0)];
  const { letGo, rename, forget, attach, excess, attached } = stepsTo(
    { interfaces, allEthernet: false },
    { links, pins, zones },
  );
  const text = rename.map(({ from, to }) => `${from} → ${to}`);
  const all = { letGo, rename: text, forget, attach, excess };
  return { ...Object.fromEntries(Object.entries(all).filter(([, list]) => list.length > 0)), attached };
}

test('steps: where all stands nothing is to be done', (t) => {
  t.deepEqual(steps(['eth0', 'eth*'], [link(2, 'eth0'), link(3, 'eth1')], [pin('eth0', 2), pin('eth1', 3)]), {
    attached: ['eth0', 'eth1'],
  });
});

test('steps: what is made anew, or is there at last, is attached', (t) => {
  t.deepEqual(steps(['eth0', 'eth1'], [link(9, 'eth0'), link(3, 'eth1')], [pin('eth0', 0)]), {
    attach: ['eth0', 'eth1'],
    attached: [],
  });
  t.deepEqual(steps(['eth0'], [link(9, 'eth0')], [pin('eth0', 2)]), {
    letGo: ['eth0'],
    attach: ['eth0'],
    attached: [],
  });
});

test('steps: of what is gone the pin stays where it is named as it is, and goes where a pattern meant it', (t) => {
  t.deepEqual(steps(['eth0', 'v*'], [], [pin('eth0', 0), pin('v1', 0), pin('other', 0)]), {
    forget: ['v1'],
    attached: [],
  });
});

test('steps: what moved to another network namespace is let go, also where its number means another device here', (t) => {
  t.deepEqual(steps(['eth0'], [link(3, 'eth1')], [pin('eth0', 2)]), { letGo: ['eth0'], attached: [] });
  t.deepEqual(steps(['eth0', 'eth1'], [link(2, 'eth1')], [pin('eth0', 2), pin('eth1', 2)]), {
    letGo: ['eth0'],
    attached: ['eth1'],
  });
});

test('steps: a device that has the number of one which moved away, and no program, was not renamed', (t) => {
  const standing = { links: [link(2, 'eth1')], pins: [pin('eth0', 2)], zones: [0, 2] };
  const { letGo, rename, attach } = stepsTo({ interfaces: ['eth*'], allEthernet: false }, standing);
  t.deepEqual([letGo, rename, attach], [['eth0'], [], ['eth1']]);
});

test('steps: what was renamed keeps the program, meant or not', (t) => {
  t.deepEqual(steps(['eth0'], [link(2, 'wan0')], [pin('eth0', 2)]), { rename: ['eth0 → wan0'], attached: ['wan0'] });
  t.deepEqual(steps(['eth0'], [link(2, 'wan0'), link(5, 'eth0')], [pin('eth0', 2)]), {
    rename: ['eth0 → wan0'],
    attach: ['eth0'],
    attached: ['wan0'],
  });
});

test('steps: no renaming takes a name that another is still to give up', (t) => {
  const [a, b, c] = [link(1, 'b'), link(2, 'c'), link(3, 'd')];
  t.deepEqual(steps([], [a, b, c], [pin('a', 1), pin('b', 2), pin('c', 3)]), {
    rename: ['c → d', 'b → c', 'a → b'],
    attached: ['b', 'c', 'd'],
  });
  t.deepEqual(steps([], [link(1, 'b'), link(2, 'a')], [pin('a', 1), pin('b', 2)]), {
    rename: ['a → ~a', 'b → a', '~a → b'],
    attached: ['b', 'a'],
  });
  t.deepEqual(steps([], [link(1, 'b')], [pin('~a', 1)]), { rename: ['~a → b'], attached: ['b'] }, 'killed in between');
});

test('steps: what stands without its zone is attached anew', (t) => {
  const standing = { links: [link(7, 'eth0', { xdpMode: 2 })], pins: [pin('eth0', 7)], zones: [0, 2] };
  const { attach, attached } = stepsTo({ interfaces: ['eth0'], allEthernet: false }, standing);
  t.deepEqual([attach, attached], [['eth0'], ['eth0']]);
});

test('steps: fifteen have room, and one that is named as it is has it before what a pattern means', (t) => {
  const links = many(20).map((name, at) => link(at + 1, name));
  const pins = many(14).map((name, at) => pin(name, at + 1));
  t.deepEqual(steps(['v*'], links, pins), { attach: ['v14'], excess: many(5, 15), attached: many(14) });
  t.deepEqual(steps(['v*', 'eth0'], links, pins), { excess: many(6, 14), attached: many(14) });
  t.deepEqual(steps(['v*', 'v19', 'eth0'], links, pins), {
    attach: ['v19'],
    excess: many(5, 14),
    attached: many(14),
  });
});
