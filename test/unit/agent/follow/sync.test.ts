import test from 'ava';
import fc from 'fast-check';
import { fold } from '../../../../agent/follow/cursor.ts';
import { atStart } from '../../../../agent/follow/footing.ts';
import { runSync, type SyncResult } from '../../../../agent/follow/sync.ts';
import type { Footing } from '../../../../agent/model/footing.ts';
import type { Mark } from '../../../../agent/model/mark.ts';
import type { Candidate } from '../../../../agent/model/stored.ts';
import { BusError } from '../../../../bus/error.ts';
import { NO_CURSOR } from '../../../../protocol/cursor.ts';
import { EMPTY_DIGEST } from '../../../../protocol/digest.ts';
import { encodeJson } from '../../../../protocol/json.ts';
import { type Page, type PageReply, parseSyncRequest, type SyncRequest } from '../../../../protocol/page.ts';
import type { Refused } from '../../../../protocol/refused.ts';
import type { Update } from '../../../../protocol/update.ts';
import { MemoryController, type Wish } from '../../../fakes/memory-controller.ts';
import { MemoryStore } from '../../../fakes/memory-store.ts';
import { del, HOST, put } from './samples.ts';

const puts = (...names: readonly number[]): Wish[] => names.map((n) => (rev) => put(n, rev));
const dels = (...names: readonly number[]): Wish[] => names.map((n) => (rev) => del(n, rev));

function found({ stored }: MemoryStore, mark?: Mark): Footing {
  return atStart({ ...stored, newer: false }, mark);
}

/** What a sync came to, what was asked, and what did not parse. */
interface Ran {
  readonly result: SyncResult;
  readonly asked: readonly SyncRequest[];
  readonly refused: readonly Refused[];
  /** What the controller said of the time. */
  readonly heard: readonly number[];
}

/** Runs one sync of a store and notes what was asked. */
async function sync(
  store: MemoryStore,
  answer: (request: SyncRequest, asked: number) => PageReply,
  footing: Footing = found(store),
  anew = false,
  accept = (candidate: Candidate) => store.accept(candidate),
): Promise<Ran> {
  const asked: SyncRequest[] = [];
  const refused: Refused[] = [];
  const heard: number[] = [];
  const result = await runSync({
    host: HOST,
    footing,
    anew,
    request: async (bytes) => {
      const request = parseSyncRequest(bytes, HOST);
      asked.push(request);
      return encodeJson(answer(request, asked.length));
    },
    refused: (error) => refused.push(error),
    heard: (atMs) => heard.push(atMs),
    accept,
  });
  return { result, asked, refused, heard };
}

/** A controller with a log, and a store that holds all of it. */
async function inStep(): Promise<{ controller: MemoryController; store: MemoryStore }> {
  const controller = new MemoryController(HOST);
  const store = new MemoryStore();
  controller.write(puts(1, 2, 3));
  await sync(store, (request) => controller.page(request));
  return { controller, store };
}

test('sync: an empty store takes the whole set, page by page', async (t) => {
  const controller = new MemoryController(HOST);
  controller.write([...puts(1, 2, 3, 4, 5), ...dels(2)]);
  const store = new MemoryStore();
  const { result, asked } = await sync(store, (request) => controller.page(request, 2));
  t.deepEqual(result, { outcome: 'accepted' });
  t.deepEqual(
    asked.map(({ from }) => from.rev),
    [0, 3, 5],
  );
  t.deepEqual(store.set, controller.set);
  t.deepEqual(store.stored.cursor, controller.head);
});

test('sync: the next page is asked for before one is judged, and forgotten with one that is refused', async (t) => {
  const controller = new MemoryController(HOST);
  controller.write(puts(1, 2, 3, 4));
  const store = new MemoryStore();
  const { result, asked, refused } = await sync(store, (request, asked) => {
    if (asked > 1) throw new BusError('TIMEOUT', 'request', 'no answer came');
    const page = controller.page(request, 2) as Page;
    return { ...page, changes: [...page.changes, ...page.changes] };
  });
  t.like(result, { outcome: 'failed', code: 'DUPLICATE_KEY' });
  t.is(refused.length, 1);
  t.deepEqual(
    asked.map(({ from }) => from.rev),
    [0, 2],
  );
  t.is(store.stored.seq, 0);
});

test('sync: a page that does not say where the next begins has none asked for before it is judged', async (t) => {
  const strange = [{ epoch: 7 }, { rev: -1 }, { rev: '2' }, { more: 'yes' }, { more: false }, { epoch: '' }];
  for (const fields of strange) {
    const controller = new MemoryController(HOST);
    controller.write(puts(1, 2, 3, 4));
    const { result, asked } = await sync(new MemoryStore(), (request) => {
      return { ...controller.page(request, 2), ...fields } as unknown as PageReply;
    });
    t.is(result.outcome, 'failed', JSON.stringify(fields));
    t.is(asked.length, 1, JSON.stringify(fields));
  }
});

test('sync: the same set is one request, and nothing is stored', async (t) => {
  const { controller, store } = await inStep();
  const { result, asked } = await sync(store, (request) => controller.page(request));
  t.deepEqual(result, { outcome: 'current' });
  t.is(asked.length, 1);
  t.is(store.stored.seq, 1);
});

test('sync: what the last page says beside its changes goes with the set, or alone where nothing is new', async (t) => {
  const controller = new MemoryController(HOST);
  controller.write(puts(1, 2, 3));
  const store = new MemoryStore();
  const taken: Candidate[] = [];
  const accept = (candidate: Candidate) => {
    taken.push(candidate);
    return store.accept(candidate);
  };
  const page = (request: SyncRequest) => {
    const reply = controller.page(request, 2);
    return 'error' in reply ? reply : { ...reply, permit: reply.rev };
  };
  await sync(store, page, found(store), false, accept);
  t.deepEqual(
    taken.map(({ marks }) => marks),
    [{ permit: 3 }],
  );
  const { result } = await sync(store, (request) => ({ ...controller.page(request), confirmed: 3 }));
  t.deepEqual(result, { outcome: 'current', marks: { confirmed: 3 } });
});

test('sync: an empty log proves an empty set', async (t) => {
  const store = new MemoryStore();
  const { result } = await sync(store, (request) => new MemoryController(HOST).page(request));
  t.deepEqual(result, { outcome: 'accepted' });
  t.deepEqual(store.stored.cursor, { epoch: 'e0', rev: 0 });
});

test('sync: a new epoch of the same log goes on from the cursor', async (t) => {
  const { controller, store } = await inStep();
  controller.restart();
  controller.write(dels(1));
  const { result, asked } = await sync(store, (request) => controller.page(request));
  t.deepEqual(result, { outcome: 'accepted' });
  t.deepEqual(asked[0]?.from, { epoch: 'e1', rev: 3 });
  t.deepEqual([...store.set.keys()], [put(2, 2).key, put(3, 3).key]);
});

test('sync: changes made between pages come again, newer', async (t) => {
  const { controller, store } = await inStep();
  controller.write(puts(4, 5, 6));
  const { result } = await sync(store, (request, asked) => {
    if (asked === 2) controller.write([...puts(4), ...dels(5, 1)]);
    return controller.page(request, 1);
  });
  t.deepEqual(result, { outcome: 'accepted' });
  t.is(store.stored.digest, controller.digest);
});

for (const [standing, code] of [
  ['lost', 'HISTORY_LOST'],
  ['unknown', 'FOREIGN_EPOCH'],
] as const) {
  test(`sync: a host whose history is ${standing} keeps everything`, async (t) => {
    const { controller, store } = await inStep();
    const before = store.stored;
    const { result, asked } = await sync(store, (request) => ({
      ...controller.page(request),
      standing,
      changes: [],
      digest: EMPTY_DIGEST,
    }));
    t.deepEqual(result, { outcome: 'held', hold: { why: code, until: 'sync' } });
    t.is(asked.length, 1);
    t.is(store.stored, before);
  });
}

test('sync: a superseded epoch is followed by the whole set, claimed by the old cursor', async (t) => {
  const { controller, store } = await inStep();
  controller.recover();
  controller.write(dels(3));
  const { result, asked } = await sync(store, (request) => controller.page(request));
  t.deepEqual(result, { outcome: 'accepted' });
  t.deepEqual(
    asked.map(({ have, from }) => [have, from]),
    [
      [
        { epoch: 'e1', rev: 3 },
        { epoch: 'e1', rev: 3 },
      ],
      [{ epoch: 'e1', rev: 3 }, NO_CURSOR],
    ],
  );
  t.is(store.stored.digest, controller.digest);
});

test('sync: a cursor below the floor is followed by the whole set', async (t) => {
  const { controller, store } = await inStep();
  controller.write(dels(1));
  controller.trim();
  controller.write(puts(9));
  const { result, asked } = await sync(store, (request) => controller.page(request));
  t.deepEqual(result, { outcome: 'accepted' });
  t.deepEqual(asked.at(-1)?.from, NO_CURSOR);
  t.is(store.stored.digest, controller.digest);
});

test('sync: a full walk starts over only when the floor passes its first head', async (t) => {
  const controller = new MemoryController(HOST);
  controller.write(puts(1, 2, 3, 4));
  controller.trim();
  const store = new MemoryStore();
  const { result, asked } = await sync(store, (request, n) => {
    if (n === 3) {
      controller.write(dels(1));
      controller.trim();
    }
    return controller.page(request, 1);
  });
  t.deepEqual(result, { outcome: 'accepted' });
  t.deepEqual(
    asked.map(({ from }) => from.rev),
    [0, 1, 2, 3, 0, 2, 3], // the first 3 was asked for ahead
  );
  t.is(store.stored.digest, controller.digest);
});

test('sync: a log that is trimmed all the time is given up for now', async (t) => {
  const { controller, store } = await inStep();
  const { result } = await sync(store, (request) => {
    controller.write([...puts(4, 5), ...dels(4)]);
    controller.trim();
    return controller.page(request, 1);
  });
  t.like(result, { outcome: 'failed', code: 'BUSY' });
});

test('sync: pages without end are given up, and nothing of them is stored', async (t) => {
  const { controller, store } = await inStep();
  const before = store.stored;
  const { result } = await sync(store, (request) => {
    const { epoch, rev } = request.from;
    return { ...controller.page(request), epoch, prev: rev, rev: rev + 1, head: 2 ** 40, changes: [], more: true };
  });
  t.like(result, { outcome: 'failed', code: 'TOO_MANY' });
  t.is(store.stored, before);
});

test('sync: a wrong digest is asked for again from the cursor, and right then', async (t) => {
  const { controller, store } = await inStep();
  controller.write(puts(4));
  const { result, asked } = await sync(store, (request, n) => ({
    ...controller.page(request),
    ...(n === 1 && { digest: EMPTY_DIGEST }),
  }));
  t.deepEqual(result, { outcome: 'accepted' });
  t.deepEqual(asked[1], asked[0]);
});

test('sync: a digest that stays wrong holds a sound store', async (t) => {
  const { controller, store } = await inStep();
  const before = store.stored;
  const lie = (request: SyncRequest): Page => ({ ...controller.page(request), digest: EMPTY_DIGEST });
  t.deepEqual((await sync(store, lie)).result, { outcome: 'held', hold: { why: 'HISTORY_LOST', until: 'resync' } });
  t.is(store.stored, before);
  const { cursor: at, digest } = before;
  const again = await sync(store, lie, { is: 'unproven', at, digest, have: at, why: 'STORE_DAMAGED' });
  t.deepEqual(again.result, { outcome: 'held', hold: { why: 'BAD_DIGEST', until: 'sync' } });
  t.is(store.stored, before);
});

test('sync: a store that fails its own checks is fetched whole', async (t) => {
  const { controller, store } = await inStep();
  controller.write(puts(4));
  const footing = found(store);
  store.stored = { ...store.stored, sound: false };
  const { result, asked } = await sync(store, (request) => controller.page(request), footing);
  t.deepEqual(result, { outcome: 'accepted' });
  t.deepEqual(asked.at(-1)?.from, NO_CURSOR);
});

test('sync: an adopting host claims the mark and asks for everything', async (t) => {
  const { controller } = await inStep();
  const store = new MemoryStore();
  const footing = found(store, { epoch: 'e1', rev: 2, seq: 7 });
  const { result, asked } = await sync(store, (request) => controller.page(request), footing);
  t.deepEqual(result, { outcome: 'accepted' });
  t.like(asked[0], { have: { epoch: 'e1', rev: 2 }, from: NO_CURSOR });
});

test('sync: an empty log of no epoch is no news to a host that holds nothing', async (t) => {
  const store = new MemoryStore();
  const nobody = (request: SyncRequest): Page => ({ ...new MemoryController(HOST).page(request), epoch: '' });
  t.deepEqual((await sync(store, nobody)).result, { outcome: 'current' });
  store.stored = { ...store.stored, sound: false };
  t.deepEqual((await sync(store, nobody)).result, { outcome: 'accepted' });
});

test('sync: a log that contradicted a sound set is believed no more, before its epoch is superseded', async (t) => {
  const { controller, store } = await inStep();
  const { cursor: at, digest } = store.stored;
  const footing: Footing = { is: 'held', at, digest, why: 'HISTORY_LOST', until: 'resync' };
  const answer = (request: SyncRequest): Page => controller.page(request);
  const before = store.stored;
  const held = { outcome: 'held', hold: { why: 'HISTORY_LOST', until: 'resync' } };
  t.deepEqual((await sync(store, answer, footing)).result, held);
  controller.write([...puts(4), ...dels(1)]);
  t.deepEqual((await sync(store, answer, footing)).result, held);
  controller.trim(); // the cursor is below the floor
  t.deepEqual((await sync(store, answer, footing)).result, held);
  t.is(store.stored, before);
  controller.recover();
  t.deepEqual((await sync(store, answer, footing)).result, { outcome: 'accepted' });
  t.is(store.stored.digest, controller.digest);
});

for (const [what, code, change] of [
  ['of another cursor', 'BAD_REQUEST', (page: Page) => ({ ...page, have: { epoch: 'e1', rev: 1 } })],
  ['of another place', 'BAD_REQUEST', (page: Page) => ({ ...page, from: NO_CURSOR })],
  ['that goes back', 'BAD_REV', (page: Page) => ({ ...page, prev: 0, rev: 2, head: 2, changes: [] })],
  ['that leaves a hole', 'BAD_REV', (page: Page) => ({ ...page, prev: 4, changes: page.changes.slice(1) })],
  ['that leads nowhere', 'BAD_REV', (page: Page) => ({ ...page, changes: [], prev: 2, rev: 3, more: true })],
] as const) {
  test(`sync: a page ${what} does not count`, async (t) => {
    const { controller, store } = await inStep();
    controller.write(puts(4, 5));
    const before = store.stored;
    const { result, asked, refused } = await sync(store, (request) => change(controller.page(request)));
    t.like(result, { outcome: 'failed', code });
    t.is(asked.length, 1);
    t.deepEqual(refused, []);
    t.is(store.stored, before);
  });
}

test('sync: a page that does not parse is refused, and fails for now', async (t) => {
  const { controller, store } = await inStep();
  const { result, refused } = await sync(store, (request) => ({ ...controller.page(request), host: 'h2' }));
  t.like(result, { outcome: 'failed', code: 'FOREIGN_HOST' });
  t.deepEqual(
    refused.map(({ code }) => code),
    ['FOREIGN_HOST'],
  );
});

test('sync: an empty answer, a truncated one and an old one store nothing', async (t) => {
  const { controller, store } = await inStep();
  const before = store.stored;
  const old = controller.page({ v: 1, host: HOST, have: store.stored.cursor, from: store.stored.cursor });
  controller.write(puts(4, 5));
  const lies: ((page: Page) => Page)[] = [
    (page) => ({ ...page, changes: [] }),
    (page) => ({ ...page, changes: page.changes.slice(1) }),
    (page) => ({ ...page, digest: old.digest }),
    (page) => ({ ...page, changes: [], digest: EMPTY_DIGEST }),
  ];
  for (const lie of lies) {
    t.deepEqual((await sync(store, (request) => lie(controller.page(request)))).result.outcome, 'held');
    t.is(store.stored, before);
  }
});

test('sync: no answer and an error fail for now', async (t) => {
  const { store } = await inStep();
  const fail = async (error: Error): Promise<SyncResult> =>
    (
      await sync(store, () => {
        throw error;
      })
    ).result;
  t.like(await fail(new BusError('TIMEOUT', 's', 'no answer')), { outcome: 'failed', code: 'TIMEOUT' });
  const { result } = await sync(store, () => ({ v: 1, host: HOST, error: { code: 'NOT_READY', message: 'starting' } }));
  t.deepEqual(result, { outcome: 'failed', code: 'NOT_READY', message: 'starting' });
  await t.throwsAsync(fail(new TypeError('a fault of ours')), { instanceOf: TypeError });
});

type Step =
  | { readonly do: 'write'; readonly wishes: readonly (readonly [n: number, gone: boolean])[] }
  | { readonly do: 'publish'; readonly back: number }
  | { readonly do: 'deliver'; readonly pick: number; readonly keep: boolean }
  | { readonly do: 'sync'; readonly limit: number; readonly writes: readonly number[] }
  | { readonly do: 'restart' | 'trim' | 'recover' };

const wishes = fc.array(fc.tuple(fc.integer({ min: 0, max: 8 }), fc.boolean()), { minLength: 1, maxLength: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('write' as const), wishes }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('publish' as const), back: fc.nat(12) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('deliver' as const), pick: fc.nat(), keep: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('sync' as const),
      limit: fc.integer({ min: 1, max: 4 }),
      writes: fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('restart' as const, 'trim' as const, 'recover' as const) }) },
);

test('sync: whatever is lost, repeated or reordered, a host holds a prefix and ends with the same set', async (t) => {
  let applied = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const controller = new MemoryController(HOST);
      const store = new MemoryStore();
      await sync(store, (request) => controller.page(request));
      const underway: Update[] = [];
      let before = store.stored.cursor;
      const check = (): void => {
        const { cursor, digest } = store.stored;
        if (cursor.epoch === before.epoch && cursor.rev < before.rev) throw new Error('the cursor went back');
        if (controller.digests.get(cursor.rev) !== digest) throw new Error(`no prefix of the log at ${cursor.rev}`);
        before = cursor;
      };
      const write = (n: number, gone: boolean): void => controller.write(gone ? dels(n) : puts(n));
      for (const each of steps) {
        if (each.do === 'write') for (const [n, gone] of each.wishes) write(n, gone);
        else if (each.do === 'publish') underway.push(controller.update(Math.max(0, controller.head.rev - each.back)));
        else if (each.do === 'deliver' && underway.length > 0) {
          const index = each.pick % underway.length;
          const [update] = each.keep ? underway.slice(index, index + 1) : underway.splice(index, 1);
          const { candidate } = fold(store.stored.cursor, update === undefined ? [] : [update]);
          if (candidate !== undefined && (await store.accept(candidate)).outcome === 'accepted') applied += 1;
        } else if (each.do === 'sync') {
          const more = [...each.writes];
          await sync(store, (request) => {
            const n = more.pop();
            if (n !== undefined) write(n, n % 2 === 0);
            return controller.page(request, each.limit);
          });
        } else if (each.do === 'restart') controller.restart();
        else if (each.do === 'trim') controller.trim();
        else if (each.do === 'recover') controller.recover();
        check();
      }
      await sync(store, (request) => controller.page(request));
      check();
      if (store.stored.digest !== controller.digest) throw new Error('the sets differ');
      if (store.stored.cursor.rev !== controller.head.rev) throw new Error('the cursor is behind');
    }),
    { numRuns: 300 },
  );
  t.true(applied > 100);
  t.log(`${applied} live updates applied`);
});

test('sync: a place that is not in the log begins from nothing, on the first page and on a later one', async (t) => {
  const error = { code: 'BAD_REQUEST', message: 'from is not in the log' };
  const refusal = { v: 1, host: HOST, error } as const;
  const { controller, store } = await inStep();
  controller.write(puts(4));
  const first = await sync(store, (request, asked) => (asked === 1 ? refusal : controller.page(request)));
  t.deepEqual(first.result, { outcome: 'accepted' });
  t.deepEqual(
    first.asked.map(({ from }) => from.rev),
    [3, 0],
  );
  t.deepEqual(store.set, controller.set);
  const anew = new MemoryStore();
  const later = await sync(anew, (request, asked) => (asked === 2 ? refusal : controller.page(request, 2)));
  t.deepEqual(later.result, { outcome: 'accepted' });
  t.deepEqual(
    later.asked.map(({ from }) => from.rev),
    [0, 2, 0, 2],
  );
  t.deepEqual(anew.set, controller.set);
  const never = await sync(new MemoryStore(), () => refusal);
  t.deepEqual(never.result, { outcome: 'failed', ...error });
  t.is(never.asked.length, 1);
});

test('sync: a set that the log contradicted is not begun anew because a place is not in the log', async (t) => {
  const { controller, store } = await inStep();
  const { at, digest } = found(store);
  const held = { is: 'held', at, digest, why: 'HISTORY_LOST', until: 'resync' } as const;
  const error = { code: 'BAD_REQUEST', message: 'from is not in the log' };
  const { result, asked } = await sync(store, () => ({ v: 1, host: HOST, error }), held);
  t.deepEqual(result, { outcome: 'failed', ...error });
  t.is(asked.length, 1);
  t.deepEqual(store.set, controller.set);
});

test('sync: by decree the whole set is taken, whatever is held against the log, and a claim is given up once it is disowned', async (t) => {
  for (const standing of ['ok', 'superseded', 'lost', 'unknown'] as const) {
    const { store } = await inStep();
    const { at, digest } = found(store);
    const held = { is: 'held', at, digest, why: 'HISTORY_LOST', until: 'resync' } as const;
    const other = new MemoryController(HOST);
    other.write(puts(2, 7));
    const answer = (request: SyncRequest): PageReply => {
      const page = { ...other.page({ ...request, have: NO_CURSOR }), have: request.have };
      if (request.have.epoch === '' || standing === 'ok') return page;
      return standing === 'superseded' ? { ...page, standing } : { ...page, standing, changes: [], more: false };
    };
    const keeps = await sync(store, answer, held);
    if (standing !== 'superseded') t.not(keeps.result.outcome, 'accepted');
    const { result, asked } = await sync(store, answer, held, true);
    t.deepEqual(result, { outcome: 'accepted' }, standing);
    t.deepEqual(store.set, other.set);
    const disowned = standing === 'lost' || standing === 'unknown';
    t.deepEqual(
      asked.map(({ have }) => have.epoch !== ''),
      disowned ? [true, false] : [true],
    );
    t.true(asked.every(({ from }) => from.rev === 0));
  }
});

test('sync: a claim is given up to the log that disowned it, and to no other: that one may not know yet what is for this host', async (t) => {
  const { controller, store } = await inStep();
  const unheard = new MemoryController(HOST);
  unheard.write(puts(7));
  const { result, asked } = await sync(
    store,
    (request) => {
      if (request.have.epoch === '') return unheard.page(request);
      const page = unheard.page({ ...request, have: NO_CURSOR }) as Page;
      return { ...page, have: request.have, epoch: 'other', standing: 'unknown', changes: [], more: false };
    },
    found(store),
    true,
  );
  t.like(result, { outcome: 'failed', code: 'FOREIGN_EPOCH' });
  t.is(asked.length, 2);
  t.deepEqual(store.set, controller.set);
});

test('sync: what a page says of the time is heard, if it is a page that counts', async (t) => {
  const { controller, store } = await inStep();
  const at = 1_790_000_000_000;
  const page = (change: object) => (request: SyncRequest) => ({ ...controller.page(request), at, ...change });
  t.deepEqual((await sync(store, page({}))).heard, [at]);
  t.deepEqual((await sync(store, page({ at: undefined }))).heard, []);
  t.deepEqual((await sync(store, page({ standing: 'unknown' }))).heard, []);
  t.deepEqual((await sync(store, page({ have: { epoch: 'x', rev: 1 } }))).heard, []);
});

test('sync: a page that was asked for ahead tells no time, for it may have waited', async (t) => {
  const controller = new MemoryController(HOST);
  controller.write(puts(1, 2, 3));
  const { result, asked, heard } = await sync(new MemoryStore(), (request, n) => ({
    ...controller.page(request, 1),
    at: 1_790_000_000_000 + n,
  }));
  t.deepEqual(result, { outcome: 'accepted' });
  t.true(asked.length > 2);
  t.deepEqual(heard, [1_790_000_000_001]);
});
