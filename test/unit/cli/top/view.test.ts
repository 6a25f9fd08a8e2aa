import test from 'ava';
import { press, requestOf, type View } from '../../../../cli/top/view.ts';

const FLEET: View = { sort: 'packets', of: 'fleet', filter: '' };

/** What is looked at after some keys. */
function after(view: View, ...keys: readonly string[]): View {
  return keys.reduce((now, key) => {
    const next = press(now, key);
    if (next === 'quit') throw new Error(`${key} ends it`);
    return next;
  }, view);
}

test('top: keys sort', (t) => {
  for (const [key, sort] of [
    ['b', 'bytes'],
    ['s', 'passed'],
    ['n', 'name'],
    ['p', 'packets'],
  ] as const)
    t.deepEqual(requestOf(after(FLEET, 'n', key), 20), { v: 1, sort, limit: 20 });
});

test('top: q, Ctrl-C and Ctrl-D end it; Ctrl-C also while a filter is written, where q is a letter', (t) => {
  for (const key of ['q', 'ctrl-c', 'ctrl-d']) t.is(press(FLEET, key), 'quit');
  t.is(press(after(FLEET, '/'), 'ctrl-c'), 'quit');
  t.like(after(FLEET, '/', 'q'), { writing: 'q', filter: '' });
});

test('top: a filter is written, put right, applied, kept when writing is broken off, and taken away', (t) => {
  const written = after(FLEET, '/', 'W', 'e', 'x', 'backspace', 'b', ' ', '!', '-', '1');
  t.like(written, { writing: 'web-1', filter: '' });
  const applied = after(written, 'return');
  t.deepEqual(applied, { ...FLEET, filter: 'web-1' });
  t.deepEqual(requestOf(applied, 5), { v: 1, sort: 'packets', limit: 5, filter: 'web-1' });
  t.deepEqual(after(applied, '/', 'x', 'escape'), applied);
  t.deepEqual(after(applied, '/', ...Array(9).fill('backspace'), 'return'), FLEET, 'an empty one is none');
  t.deepEqual(after(applied, 'escape'), FLEET);
  t.is(after(FLEET, '/', ...Array(99).fill('a'), 'return').filter.length, 63);
});

test('top: h goes from the fleet to each host, and to the one that was named', (t) => {
  const requests = (view: View, keys: number) =>
    Array.from({ length: keys + 1 }, (_, at) => {
      const { split, host } = requestOf(after(view, ...Array(at).fill('h')), 1);
      return split ? 'each' : (host ?? 'fleet');
    });
  t.deepEqual(requests(FLEET, 2), ['fleet', 'each', 'fleet']);
  t.deepEqual(requests({ ...FLEET, of: 'host', host: 'edge-7' }, 3), ['edge-7', 'fleet', 'each', 'edge-7']);
});

test('top: other keys change nothing', (t) => {
  for (const key of ['x', 'up', 'f5', 'P', 'constructor', '', 'return', 'backspace', 'ctrl-l'])
    t.is(press(FLEET, key), FLEET, key);
});
