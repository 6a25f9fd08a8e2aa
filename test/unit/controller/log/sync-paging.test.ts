import test from 'ava';
import fc from 'fast-check';
import { apply, Folder, openStore, Replica, report, spec, updateOf } from '../fleet.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/** One write: some specs put, at keys that they may share, and some deleted. */
const write = fc.record({
  put: fc.uniqueArray(
    fc.record({ name: fc.constantFrom(...NAMES), key: fc.nat(9), to: fc.constantFrom('drop', 'pass') }),
    {
      selector: ({ name }) => name,
      maxLength: 5,
    },
  ),
  delete: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 3 }),
});
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never;

async function make(store: Awaited<ReturnType<typeof openStore>>, { put, delete: names }: Write): Promise<void> {
  if (put.length > 0) await apply(store, ...put.map(({ name, key, to }) => spec(name, key, { to })));
  await store.desk.delete(names);
}

const history = fc.record({
  before: fc.array(write, { maxLength: 4 }),
  during: fc.array(write, { maxLength: 6 }),
  after: fc.array(write, { maxLength: 3 }),
  budgetBytes: fc.integer({ min: 100, max: 1500 }),
  tidy: fc.boolean(),
});

test('sync: pages laid together are the set at head, under writes and from any cursor', async (t) => {
  await fc.assert(
    fc.asyncProperty(history, async ({ before, during, after, budgetBytes, tidy }) => {
      using folder = new Folder();
      await using store = await openStore(folder.file());
      await report(store, 'edge-1');
      for (const one of before) await make(store, one);
      const replica = new Replica('edge-1');
      const writes = [...during];
      const pages = await replica.sync(store.logs, budgetBytes, async () => {
        const next = writes.shift();
        if (next !== undefined) await make(store, next);
      });
      t.is(replica.digest, replica.head.digest);
      t.true(pages.every(({ prev, rev, more }) => (more ? rev > prev : rev >= prev)));
      for (const one of after) await make(store, one);
      if (tidy) await store.roster.tidy(); // this host is past nothing by its own word, so nothing may go
      await replica.sync(store.logs, budgetBytes);
      t.is(replica.digest, replica.head.digest);
      const whole = new Replica('edge-1');
      await whole.sync(store.logs);
      t.deepEqual([...whole.intents].sort(), [...replica.intents].sort());
    }),
    { numRuns: 40 },
  );
});

test('sync: updates laid one after another are the set at head, as pages are', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 8 }), async (writes) => {
      using folder = new Folder();
      await using store = await openStore(folder.file());
      const replica = new Replica('edge-1');
      let rev = 0;
      for (const one of writes) {
        await make(store, one);
        const update = await updateOf(store.logs, 'edge-1', rev, 500_000);
        if (update === undefined) continue;
        t.is(update.prev, rev);
        replica.lay(update.changes);
        t.is(replica.digest, update.digest);
        rev = update.rev;
      }
    }),
    { numRuns: 30 },
  );
});

test('sync: an equal cursor is answered by one small page', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  await apply(store, ...NAMES.map((name, index) => spec(name, index)));
  await report(store, 'edge-1');
  const replica = new Replica('edge-1');
  await replica.sync(store.logs, 1000);
  const pages = await replica.sync(store.logs, 1000);
  t.is(pages.length, 1);
  t.like(pages[0], { changes: [], more: false, standing: 'ok', digest: replica.digest });
});
