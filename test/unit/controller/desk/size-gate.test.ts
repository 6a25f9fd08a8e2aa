import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { Declined } from '../../../../controller/model/declined.ts';
import type { Terms } from '../../../../protocol/terms.ts';
import { AMPLE_BYTES, Folder, openStore, type Store, spec } from '../fleet.ts';

const SHRINK: Terms = { allowShrink: true, reason: 'test' };
const GROWTH: Terms = { allowGrowth: true, reason: 'test' };

function specs(from: number, count: number, more: object = {}): readonly object[] {
  return Array.from({ length: count }, (_, at) => spec(`r${from + at}`, from + at, more));
}

function names(from: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `r${from + at}`);
}

function apply(store: Store, given: readonly object[], terms: Terms = {}) {
  return store.desk.apply({ v: 1, upload: 'u', part: 0, parts: 1, specs: given, ...terms });
}

async function stands(store: Store): Promise<number> {
  return (await store.logs.movedAfter(0)).rev;
}

async function refuses(t: ExecutionContext, store: Store, code: string, does: () => Promise<unknown>): Promise<string> {
  const rev = await stands(store);
  const error = await t.throwsAsync(does());
  t.like(error, { code });
  t.is(await stands(store), rev, 'nothing was changed');
  return error?.message ?? '';
}

test('size gate: five may go from any host, and a fifth of what it has', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, specs(0, 100));
  const said = await refuses(t, store, 'SHRINKS_TOO_MUCH', () => store.desk.delete(names(0, 21)));
  t.regex(said, /^of 100 redirects on edge-1, 21 would go and 0 send elsewhere, and 20 is the most/);
  t.regex(said, /--allow-shrink and --reason/);
  t.notRegex(said, /as well/);
  t.is((await store.desk.delete(names(0, 20))).deleted.length, 20);
  await refuses(t, store, 'SHRINKS_TOO_MUCH', () => store.desk.delete(names(20, 17)));
  t.is((await store.desk.delete(names(20, 70), undefined, SHRINK)).deleted.length, 70);
  t.is((await store.desk.delete(names(90, 5))).deleted.length, 5);
  await store.desk.delete(names(95, 5));
});

test('size gate: every host of which it is too much is named, or how many', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const hosts = ['edge-1', 'edge-2', 'edge-3', 'edge-4', 'edge-5', 'edge-6'];
  await apply(store, specs(0, 10, { hosts }));
  await apply(store, specs(10, 40, { hosts: ['edge-6'] }));
  const said = await refuses(t, store, 'SHRINKS_TOO_MUCH', () => store.desk.delete(names(0, 6)));
  t.regex(
    said,
    /^of 10 redirects on edge-1, 6 would go .*; too much as well on edge-2, edge-3, edge-4 and 1 more; nothing was changed/,
  );
});

test('size gate: what is sent elsewhere, is disabled or ends in the past counts as what goes', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file(), () => 5_000_000_000_000);
  await apply(store, specs(0, 20));
  for (const more of [
    { to: 'drop' },
    { to: { nexthop: '192.0.2.8' } },
    { enabled: false },
    { expires: 4_000_000_000_000 },
  ])
    await refuses(t, store, 'SHRINKS_TOO_MUCH', () => apply(store, specs(0, 6, more)));
  t.like(await apply(store, specs(0, 20, { description: 'the same', expires: 6_000_000_000_000 })), { changed: 20 });
  t.like(await apply(store, specs(0, 6, { to: 'drop' }), SHRINK), { changed: 6 });
});

test('size gate: what another redirect takes and does otherwise counts, what it does alike does not', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, specs(0, 6));
  const taking = (to: object | string) =>
    Array.from({ length: 6 }, (_, at) => ({ ...spec(`x${at}`, at, { priority: 1, to }) }));
  await refuses(t, store, 'SHRINKS_TOO_MUCH', () => apply(store, taking('drop')));
  t.like(await apply(store, taking({ nexthop: '192.0.2.7' })), { created: 6 });
});

test('size gate: a thousand may come to any host, and as many as it has', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const said = await refuses(t, store, 'GROWS_TOO_MUCH', () => apply(store, specs(0, 1001)));
  t.regex(said, /^edge-1 has 0 redirects and would be given 1001 more, and 1000 is the most/);
  await refuses(t, store, 'GROWS_TOO_MUCH', () => apply(store, specs(0, 1001), SHRINK));
  await apply(store, specs(0, 1000));
  await apply(store, specs(1000, 500));
  await apply(store, specs(1500, 1500));
  await refuses(t, store, 'GROWS_TOO_MUCH', () => apply(store, specs(3000, 3001)));
  t.like(await apply(store, specs(3000, 3001), GROWTH), { created: 3001 });
});

test('size gate: each host by itself, and leave for one thing is none for the other', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, [...specs(0, 6), ...specs(6, 94, { hosts: ['edge-2'] })]);
  const said = await refuses(t, store, 'SHRINKS_TOO_MUCH', () => store.desk.delete(names(0, 20)));
  t.regex(said, /on edge-1, 6 would go/);
  await refuses(t, store, 'SHRINKS_TOO_MUCH', () => store.desk.delete(names(0, 20), undefined, GROWTH));
  await refuses(t, store, 'SHRINKS_TOO_MUCH', () => store.desk.delete(names(0, 20), undefined, { allowShrink: true }));
});

test('size gate: a plan says that it would refuse exactly where it does', async (t) => {
  const does = fc.constantFrom('keep', 'keep', 'move', 'end', 'disable', 'delete');
  const property = fc.asyncProperty(fc.array(does, { minLength: 1, maxLength: 40 }), async (drawn) => {
    using folder = new Folder();
    await using store = await openStore(folder.file(), () => 5_000_000_000_000);
    await apply(store, specs(0, drawn.length));
    const MORE = { keep: {}, move: { to: 'drop' }, end: { expires: 4_000_000_000_000 }, disable: { enabled: false } };
    const changed = drawn.flatMap((what, at) => (what === 'delete' ? [] : [spec(`r${at}`, at, MORE[what])]));
    const goes = drawn.flatMap((what, at) => (what === 'delete' ? [`r${at}`] : []));
    const asked = { v: 1, upload: 'u', part: 0, parts: 1, specs: changed, delete: goes } as const;
    const { hosts } = await store.desk.plan(asked, AMPLE_BYTES);
    const foretold = hosts.some(({ gate = [] }) => gate.includes('shrink'));
    const refused = await store.desk.apply(asked).then(
      () => false,
      (error: unknown) => error instanceof Declined && error.code === 'SHRINKS_TOO_MUCH',
    );
    t.is(refused, foretold, drawn.join(' '));
  });
  await fc.assert(property, { numRuns: 40 });
});
