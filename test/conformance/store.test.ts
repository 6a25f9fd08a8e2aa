import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { NO_BRAKE, type Withheld } from '../../agent/model/brake.ts';
import type { EntryState } from '../../agent/model/state.ts';
import type { Acceptance, Beside, Candidate, ConfirmationNews, Stored } from '../../agent/model/stored.ts';
import type { DesiredStore, Recorder } from '../../agent/ports.ts';
import { EVENTS_PER_KEY } from '../../agent/store/event-table.ts';
import type { CursorRow } from '../../agent/store/schema.ts';
import { SqliteStore } from '../../agent/store/sqlite-store.ts';
import { DATABASE_NAME } from '../../agent/store/tables.ts';
import { checksumOf } from '../../daemon/checksum.ts';
import { makeSystemClock } from '../../daemon/clock.ts';
import { agentMigrations } from '../../migrations/agent/index.ts';
import { type Cursor, NO_CURSOR } from '../../protocol/cursor.ts';
import { addDigest, EMPTY_DIGEST, elementDigest } from '../../protocol/digest.ts';
import type { Event } from '../../protocol/event.ts';
import type { Change, Intent } from '../../protocol/intent.ts';
import { MemoryStore, type UnreadRow } from '../fakes/memory-store.ts';
import { candidate, del, digestOf, HOST, intent, put } from '../unit/agent/follow/samples.ts';
import { randomBelow } from './sequences.ts';

/** Candidates, and what they start from: CONFORMANCE_RUNS=100000 is for a change of the store. */
const RUNS = Number(process.env.CONFORMANCE_RUNS ?? 2000);
const SEED = Number(process.env.CONFORMANCE_SEED ?? 1);

/** So many are laid part by part. */
const MANY = 1_200;

/** A store under test; one of SQLite lies in a folder of its own. */
class Subject implements AsyncDisposable {
  readonly store: DesiredStore & Recorder;
  readonly writeAsNewer: (row: UnreadRow) => void;
  readonly #folder: string | undefined;

  private constructor(store: DesiredStore & Recorder, writeAsNewer: (row: UnreadRow) => void, folder?: string) {
    this.store = store;
    this.writeAsNewer = writeAsNewer;
    this.#folder = folder;
  }

  static async memory(): Promise<Subject> {
    const store = new MemoryStore();
    return new Subject(store, (row) => store.writeAsNewer(row));
  }

  static async sqlite(): Promise<Subject> {
    const folder = mkdtempSync(join(tmpdir(), 'shunt-conformance-'));
    const place = {
      directory: join(folder, 'state'),
      host: HOST,
      migrations: agentMigrations,
      clock: makeSystemClock(),
    };
    const write = (row: UnreadRow): void => writeRow(join(place.directory, DATABASE_NAME), row);
    return new Subject(await SqliteStore.open(place), write, folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true });
  }
}

/** Adds a row of intents with its checksum, and counts it into the digest of the set. */
function writeRow(path: string, { key, rev, body }: UnreadRow): void {
  const database = new Database(path);
  const one = elementDigest(key, rev, body);
  const checksum = one.toString(16).padStart(32, '0');
  const was = database.prepare<[], CursorRow>('select * from cursor').get();
  if (was === undefined) throw new Error('no cursor');
  const digest = addDigest(was.digest, one);
  database.prepare('insert into intents (key, rev, body, checksum) values (?, ?, ?, ?)').run(key, rev, body, checksum);
  const whole = checksumOf([was.host, was.epoch, was.rev, digest, was.seq]);
  database.prepare('update cursor set digest = ?, checksum = ?').run(digest, whole);
  database.close();
}

/** Nothing is awaited, and no mark was told. */
const NOTHING = { confirmed: undefined, unconfirmed: [] };
const CONFIRM = { confirm: { withinMs: 1_000 } };
const wanting = (change: Change): Change => ({ ...change, ...CONFIRM });
const at = (rev: number) => ({ epoch: 'e1', rev });
const MISMATCH = { outcome: 'mismatch', sound: true } as const;
const byKey = (a: { readonly key: string }, b: { readonly key: string }): number => (a.key < b.key ? -1 : 1);

/** Lists have no order that a caller may rely on. */
function sorted({ intents, entries, unconfirmed, brake, ...rest }: Stored): object {
  const [set, rows] = [intents.toSorted(byKey), entries.toSorted(byKey)];
  const braked = brake && { brake: { ...brake, withheld: brake.withheld.toSorted(byKey) } };
  return { ...rest, ...braked, intents: set, entries: rows, unconfirmed: unconfirmed.toSorted(byKey) };
}

function settled(acceptance: Acceptance): object {
  if (acceptance.outcome === 'mismatch') return acceptance;
  const { put, removed, news } = acceptance;
  return { ...acceptance, put: put.toSorted(byKey), removed: removed.toSorted(), ...(news && { news: inOrder(news) }) };
}

function inOrder({ open, ended, confirmed }: ConfirmationNews): object {
  return { confirmed, open: open.toSorted(byKey), ended: ended.toSorted() };
}

/** Changes laid over a set. */
function laid(cursor: Cursor, changes: readonly Change[], set: readonly Intent[]): Candidate {
  const now = after(set, { base: 'stored', changes, cursor });
  return candidate('stored', cursor, changes, digestOf(now.values()));
}

function withheldBy({ brake }: Stored): readonly Withheld[] | undefined {
  return brake?.withheld.toSorted(byKey);
}

type Case = (
  t: ExecutionContext,
  store: DesiredStore & Recorder,
  writeAsNewer: (row: UnreadRow) => void,
) => Promise<void>;

const CASES: Readonly<Record<string, Case>> = {
  'a new one is empty and sound': async (t, store) => {
    const said = { sound: true, newer: false, cursor: NO_CURSOR, digest: EMPTY_DIGEST, seq: 0 };
    const empty = { ...said, intents: [], entries: [], ...NOTHING };
    t.deepEqual(sorted(await store.load()), empty);
  },

  'very many changes are one commit, and whatever is asked meanwhile finds all of them or none': async (t, store) => {
    const changes = Array.from({ length: MANY }, (_, n) => put(n, n + 1));
    const state: EntryState = { key: intent(1, 1).key, slot: 1, rev: 2, state: 'installed', sinceMs: 1 };
    const wrong = store.accept(candidate('stored', at(MANY), changes, digestOf([intent(1, 1)])));
    const before = store.load();
    const accepted = store.accept(candidate('empty', at(MANY), changes));
    const saved = store.saveEntries([state], [], false);
    const other = store.accept(
      laid(
        at(MANY + 1),
        [del(0, MANY + 1)],
        changes.map((_, n) => intent(n, n + 1)),
      ),
    );
    t.deepEqual(await wrong, MISMATCH);
    t.deepEqual((await before).intents, []);
    t.is((await accepted).outcome, 'accepted');
    await saved;
    t.is((await other).outcome, 'accepted');
    const { sound, intents, entries, seq } = await store.load();
    t.deepEqual([sound, intents.length, entries, seq], [true, MANY - 1, [state], 2]);
  },

  'what was accepted is what is loaded': async (t, store) => {
    const digest = digestOf([intent(1, 1), intent(2, 3)]);
    const first = await store.accept(candidate('stored', at(3), [put(1, 1), put(2, 3), del(9, 2)], digest));
    t.deepEqual(settled(first), {
      outcome: 'accepted',
      seq: 1,
      whole: false,
      put: [intent(1, 1), intent(2, 3)],
      removed: [],
    });
    const said = { sound: true, newer: false, cursor: at(3), digest, seq: 1 };
    const stored = { ...said, intents: [intent(1, 1), intent(2, 3)], entries: [], ...NOTHING };
    t.deepEqual(sorted(await store.load()), stored);
  },

  'commits count on from a mark of a store that was lost': async (t, store) => {
    t.like(await store.accept(candidate('empty', at(8), [put(1, 8)]), 6), { outcome: 'accepted', seq: 7 });
    t.like(await store.accept(candidate('stored', at(9), [put(1, 9)]), 6), { outcome: 'accepted', seq: 8 });
    t.is((await store.load()).seq, 8);
  },

  'a set without the promised digest changes nothing': async (t, store) => {
    await store.accept(candidate('stored', at(1), [put(1, 1)]));
    const before = sorted(await store.load());
    t.deepEqual(await store.accept(candidate('stored', at(2), [put(2, 2), del(1, 2)], EMPTY_DIGEST)), MISMATCH);
    t.deepEqual(await store.accept(candidate('empty', at(2), [put(2, 2)], EMPTY_DIGEST)), MISMATCH);
    t.deepEqual(sorted(await store.load()), before);
  },

  'a change that is not newer than what is stored is left out': async (t, store) => {
    await store.accept(candidate('stored', at(5), [put(1, 5)]));
    const digest = digestOf([intent(1, 5), intent(2, 6)]);
    const acceptance = await store.accept(candidate('stored', at(6), [put(1, 4, 'older'), put(2, 6)], digest));
    t.deepEqual(settled(acceptance), { outcome: 'accepted', seq: 2, whole: false, put: [intent(2, 6)], removed: [] });
    const repeat = await store.accept(candidate('stored', at(7), [del(1, 5)], digest));
    t.deepEqual(settled(repeat), { outcome: 'accepted', seq: 3, whole: false, put: [], removed: [] });
  },

  'a set laid over nothing replaces all, and is answered whole': async (t, store) => {
    await store.accept(candidate('stored', at(3), [put(1, 1), put(2, 2), put(3, 3), put(4, 3)]));
    const cursor = { epoch: 'e2', rev: 2 };
    const changes = [put(1, 1), put(2, 2, 'other'), put(4, 2), del(7, 1)];
    const acceptance = await store.accept(candidate('empty', cursor, changes));
    const whole = [intent(1, 1), intent(2, 2, 'other'), intent(4, 2)];
    t.deepEqual(settled(acceptance), { outcome: 'accepted', seq: 2, whole: true, put: whole, removed: [] });
    const stored = await store.load();
    t.deepEqual(stored.cursor, cursor);
    t.deepEqual(stored.intents.toSorted(byKey), whole);
  },

  'what only a newer agent can read is no damage, is not listed, and is said to be there': async (
    t,
    store,
    writeAsNewer,
  ) => {
    await store.accept(candidate('stored', at(3), [put(1, 1), put(2, 3)]));
    const { body, ...of } = { ...intent(3, 3), body: '{"name":"r3","of":"tomorrow"}' };
    writeAsNewer({ ...of, body });
    const digest = addDigest(digestOf([intent(1, 1), intent(2, 3)]), elementDigest(of.key, 3, body));
    const said = { sound: true, newer: true, cursor: at(3), digest, seq: 1 };
    const stored = { ...said, intents: [intent(1, 1), intent(2, 3)], entries: [], ...NOTHING };
    t.deepEqual(sorted(await store.load()), stored);
    await store.accept(candidate('empty', at(4), [put(1, 1)]));
    t.like(await store.load(), { sound: true, newer: false });
  },

  'states are remembered and forgotten': async (t, store) => {
    const of = (key: string, more: Partial<EntryState> = {}): EntryState => {
      return { key, slot: 4, rev: 1, state: 'installed', sinceMs: 5, ...more };
    };
    const blocked = { slot: null, state: 'blocked', code: 'NO_ROUTE', errno: 'ENETUNREACH', retryAtMs: 9 } as const;
    await store.saveEntries([of('k1', { installedAtMs: 5 }), of('k2', blocked), of('k3')], []);
    await store.saveEntries([of('k1', { state: 'idle' })], ['k3', 'nobody']);
    t.deepEqual((await store.load()).entries.toSorted(byKey), [of('k1', { state: 'idle' }), of('k2', blocked)]);
  },

  'what wants to be confirmed is awaited, and one deadline past a mark it is not confirmed any more': async (
    t,
    store,
  ) => {
    const moments = { before: 1_999, at: 2_000, after: 2_001 };
    for (const [n, [when, ms]] of Object.entries(moments).entries()) {
      const [rev, key] = [10 * n + 1, intent(n + 1, 1).key];
      const set = (await store.load()).intents;
      await store.accept(laid(at(rev), [put(n + 1, rev)], set));
      const wanted = wanting(put(n + 1, rev + 1, 'other'));
      const news = await store.accept(laid(at(rev + 1), [wanted], [...set, intent(n + 1, rev)]));
      const change = { key, rev: rev + 1, op: 'put', name: 'other', withinMs: 1_000, previous: intent(n + 1, rev) };
      t.like(news, { news: { open: [{ ...change, is: 'unarmed' }], ended: [] } });
      const armed = await store.move('arm', [{ key, rev: rev + 1 }], { boot: 'b1', ms: 1_000 });
      t.deepEqual(armed, [{ ...change, is: 'armed', deadlineMs: 2_000 }] as never);
      const raised = await store.confirm('e1', rev + 1, () => ({ boot: 'b1', ms }));
      t.deepEqual(raised?.ended, when === 'before' ? [key] : []);
      const reverted = await store.move('revert', [{ key, rev: rev + 1 }], { boot: 'b1', ms });
      t.deepEqual(
        reverted.map(({ is }) => is),
        when === 'before' ? [] : ['reverted'],
      );
      t.is(await store.confirm('e1', rev + 1, () => ({ boot: 'b1', ms })), undefined, 'twice');
      await store.confirm('e1', rev + 2, () => ({ boot: 'b1', ms: 0 }));
      const { unconfirmed } = await store.load();
      t.is(
        unconfirmed.some((it) => it.key === key),
        when !== 'before',
        'what was taken back stays so',
      );
    }
  },

  'a second unconfirmed change keeps what was confirmed before the first; one that leads back there is confirmed':
    async (t, store) => {
      const { key } = intent(1, 1);
      await store.accept(laid(at(1), [put(1, 1)], []));
      await store.accept(laid(at(2), [wanting(put(1, 2, 'other'))], [intent(1, 1)]));
      await store.move('arm', [{ key, rev: 2 }], { boot: 'b1', ms: 0 });
      await store.accept(laid(at(3), [wanting(del(1, 3))], [{ ...intent(1, 2, 'other'), ...CONFIRM }]));
      const first = {
        key,
        rev: 3,
        op: 'delete',
        name: 'other',
        withinMs: 1_000,
        previous: intent(1, 1),
        replaced: [{ rev: 2, deadlineMs: 1_000, intent: { ...intent(1, 2, 'other'), ...CONFIRM } }],
        is: 'unarmed',
      };
      t.deepEqual((await store.load()).unconfirmed, [first] as never);
      t.deepEqual(await store.move('arm', [{ key, rev: 2 }], { boot: 'b1', ms: 0 }), [], 'of another revision');
      await store.accept(laid(at(4), [wanting(put(1, 4))], []));
      t.deepEqual((await store.load()).unconfirmed, []);
    },

  'what is true already, or not past the mark, is not awaited; what was idle is told': async (t, store) => {
    await store.accept(laid(at(2), [put(1, 1), put(2, 2)], []));
    const set = [intent(1, 1), intent(2, 2)];
    await store.accept(laid(at(4), [wanting(put(1, 3)), wanting(del(9, 4))], set));
    t.deepEqual((await store.load()).unconfirmed, []);
    const now = [{ ...intent(1, 3), ...CONFIRM }, intent(2, 2)];
    await store.accept({
      ...laid(at(6), [wanting(put(1, 5, 'x')), wanting(put(2, 6, 'x'))], now),
      marks: { confirmed: 5 },
    });
    const { unconfirmed, confirmed } = await store.load();
    t.deepEqual(
      unconfirmed.map(({ rev }) => rev),
      [6],
    );
    t.is(confirmed, 5);
    await store.saveEntries([{ key: intent(1, 1).key, slot: null, rev: 5, state: 'idle', sinceMs: 1 }], []);
    const last = [5, 6].map((rev) => ({ ...intent(rev - 4, rev, 'x'), ...CONFIRM }));
    await store.accept(laid(at(7), [wanting(put(1, 7, 'y'))], last));
    t.like(
      (await store.load()).unconfirmed.find(({ rev }) => rev === 7),
      { asleep: true, previous: last[0] },
    );
  },

  'a whole set arms nothing that is stored with the same revision, and keeps what is awaited of it': async (
    t,
    store,
  ) => {
    const { key } = intent(1, 1);
    await store.accept(laid(at(2), [put(1, 1), put(2, 2)], []));
    const one = { ...intent(1, 3, 'x'), ...CONFIRM };
    await store.accept(laid(at(4), [wanting(put(1, 3, 'x')), wanting(del(2, 4))], [intent(1, 1), intent(2, 2)]));
    await store.move('arm', [{ key, rev: 3 }], { boot: 'b1', ms: 0 });
    const before = (await store.load()).unconfirmed;
    t.is(before.length, 2);
    await store.accept(candidate('empty', at(4), [{ op: 'put', ...one }]));
    t.deepEqual((await store.load()).unconfirmed, before);
    await store.confirm('e1', 4, () => ({ boot: 'b1', ms: 0 }));
    t.deepEqual((await store.load()).unconfirmed, []);
    await store.accept(candidate('empty', at(4), [{ op: 'put', ...one }]));
    t.deepEqual((await store.load()).unconfirmed, []);
    await store.accept(candidate('empty', at(9), [wanting(put(1, 8, 'y')), wanting(put(5, 9))]));
    t.deepEqual(
      (await store.load()).unconfirmed.map(({ rev, previous }) => [rev, previous?.rev]),
      [
        [8, 3],
        [9, undefined],
      ],
    );
  },

  'what is left goes on from the note after a boot, and from nowhere else within one': async (t, store) => {
    const { key } = intent(1, 1);
    await store.accept(laid(at(1), [wanting(put(1, 1))], []));
    await store.move('arm', [{ key, rev: 1 }], { boot: 'b1', ms: 10_000 });
    await store.noteTime({ boot: 'b1', ms: 10_400 });
    t.like((await store.load({ boot: 'b1', ms: 10_900 })).unconfirmed, [{ deadlineMs: 11_000 }]);
    t.like((await store.load({ boot: 'b2', ms: 50 })).unconfirmed, [{ deadlineMs: 650 }]);
    t.like((await store.load({ boot: 'b2', ms: 900 })).unconfirmed, [{ deadlineMs: 650 }]);
  },

  'since when silence is counted is of one boot, and void in the next': async (t, store) => {
    const [key, idle] = [intent(1, 1).key, intent(2, 1).key];
    const counted = { packets: 3n, bytes: 180n, seen: 70n };
    const rows: EntryState[] = [
      { key, slot: 0, rev: 1, state: 'installed', sinceMs: 5, armed: 90 },
      { key: idle, slot: 1, rev: 1, state: 'idle', sinceMs: 5, armed: 80, counted },
    ];
    await store.accept(laid(at(1), [put(1, 1), put(2, 1)], []));
    await store.load({ boot: 'b1', ms: 10_000 });
    await store.saveEntries(rows, []);
    t.deepEqual((await store.load({ boot: 'b1', ms: 10_500 })).entries, rows);
    const unarmed = rows.map(({ armed: _, ...row }) => row);
    t.deepEqual((await store.load({ boot: 'b2', ms: 50_000 })).entries, unarmed);
    t.deepEqual((await store.load({ boot: 'b2', ms: 60_000 })).entries, unarmed, 'stored so, too');
  },

  'what the brake withholds is remembered with the changes, and alone': async (t, store) => {
    const state = { sinceMs: 5, steps: [{ atMs: 1, rev: 2, count: 3, single: false, had: 4 }], permit: 1 };
    const held = (n: number, rev: number) => ({ key: intent(n, 1).key, rev, last: intent(n, 1) });
    const set = [put(1, 1), put(2, 1)];
    await store.accept(candidate('empty', at(1), set), 0, { brake: { state: NO_BRAKE, hold: [], free: [] } });
    t.deepEqual((await store.load()).brake, { state: NO_BRAKE, withheld: [] });
    const wrong = candidate('stored', at(4), [del(1, 3)], EMPTY_DIGEST);
    await store.accept({ ...wrong, digest: 'f'.repeat(32) }, 0, { brake: { state, hold: [held(1, 3)], free: [] } });
    t.deepEqual((await store.load()).brake, { state: NO_BRAKE, withheld: [] }, 'not without the changes');
    const both = [held(1, 3), held(2, 4)];
    await store.accept(candidate('stored', at(4), [del(1, 3), del(2, 4)], EMPTY_DIGEST), 0, {
      brake: { state, hold: both, free: [] },
    });
    t.deepEqual(withheldBy(await store.load()), both);
    t.deepEqual((await store.load()).brake?.state, state);
    await store.remember({
      brake: { state: { ...state, permit: 3 }, hold: [held(2, 6)], free: [held(1, 3).key, 'nobody'] },
    });
    t.deepEqual((await store.load()).brake, { state: { ...state, permit: 3 }, withheld: [held(2, 6)] });
  },

  'who goes on without a word on the brake has forgotten it': async (t, store) => {
    const state = { ...NO_BRAKE, sinceMs: 5 };
    const held = (n: number) => ({ key: intent(n, 1).key, rev: 3, last: intent(n, 1) });
    await store.accept(candidate('stored', at(3), [put(7, 3)]), 0, { brake: { state, hold: [held(1)], free: [] } });
    await store.accept(candidate('stored', at(4), [put(7, 4)]));
    t.is((await store.load()).brake, undefined);
    await store.accept(candidate('stored', at(5), [put(7, 5)]), 0, { brake: { state, hold: [held(2)], free: [] } });
    t.deepEqual(withheldBy(await store.load()), [held(2)], 'also what was withheld');
  },

  'the flight recorder keeps the newest of each key, oldest first': async (t, store) => {
    const { key } = intent(1, 1);
    const event = (n: number): Event => ({ v: 1, host: HOST, at: n, kind: 'applied', key, rev: n });
    await store.record(Array.from({ length: EVENTS_PER_KEY + 9 }, (_, n) => event(n)));
    const other = { ...event(5), key: intent(2, 1).key };
    await store.record([{ v: 1, host: HOST, at: 7, kind: 'refused', code: 'BAD_JSON' }, other]);
    t.deepEqual(
      await store.history(key),
      Array.from({ length: EVENTS_PER_KEY }, (_, n) => event(n + 9)),
    );
    t.deepEqual([...(await store.history(other.key))], [other]);
    t.deepEqual([...(await store.history('v4 nothing'))], []);
    const { events, first } = await store.recent(Number.MAX_SAFE_INTEGER, 3);
    t.deepEqual(
      events.map(({ at, kind }) => [at, kind]),
      [
        [EVENTS_PER_KEY + 8, 'applied'],
        [7, 'refused'],
        [other.at, other.kind],
      ],
    );
    const older = await store.recent(first, 2);
    t.deepEqual(
      older.events.map(({ at }) => at),
      [EVENTS_PER_KEY + 6, EVENTS_PER_KEY + 7],
    );
    t.deepEqual(await store.recent(1, 5), { events: [], first: 0 });
  },
};

for (const [title, run] of Object.entries(CASES)) {
  for (const kind of ['memory', 'sqlite'] as const) {
    test(`${kind} store: ${title}`, async (t) => {
      await using subject = await Subject[kind]();
      await run(t, subject.store, subject.writeAsNewer);
    });
  }
}

/** The set that changes make, said a second time and as simply as can be. */
function after(set: readonly Intent[], { base, changes }: Omit<Candidate, 'digest'>): Map<string, Intent> {
  const next = new Map<string, Intent>(base === 'stored' ? set.map((each) => [each.key, each]) : []);
  const newer = (change: Change): boolean => change.rev > (next.get(change.key)?.rev ?? 0);
  for (const change of changes.filter(newer)) {
    if (change.op === 'put') next.set(change.key, change);
    else next.delete(change.key);
  }
  return next;
}

/** At most one change a key, as a candidate has them; some are old, and some repeat what is stored. */
function someChanges(below: (bound: number) => number, rev: number): Change[] {
  const wants = (change: Change): Change =>
    below(3) === 0 ? { ...change, confirm: { withinMs: 1_000 * (1 + below(5)) } } : change;
  const numbers = new Set(Array.from({ length: below(9) }, () => below(12)));
  return [...numbers].map((n) => {
    const its = Math.max(1, rev - below(8));
    return wants(below(3) === 0 ? del(n, its) : put(n, its, below(4) === 0 ? 'other' : undefined));
  });
}

/** What both answer to the same. */
async function both<T>(
  real: Subject,
  fake: Subject,
  ask: (store: DesiredStore & Recorder) => Promise<T>,
): Promise<[T, T]> {
  return [await ask(real.store), await ask(fake.store)];
}

async function newsOf(raised: Promise<ConfirmationNews | undefined>): Promise<object | undefined> {
  const news = await raised;
  return news && inOrder(news);
}

/** What is remembered of the brake; now and then nothing, as by an agent that does not know it. */
function someBrake(below: (bound: number) => number, rev: number): Beside {
  if (below(8) === 0) return {};
  const numbers = Array.from({ length: below(4) }, () => below(12));
  const hold = [...new Set(numbers)].map((n) => ({ key: intent(n, 1).key, rev, last: intent(n, 1) }));
  const free = Array.from({ length: below(3) }, () => intent(below(12), 1).key);
  const sinceMs = below(2) === 0 ? null : rev;
  return { brake: { state: { sinceMs, steps: [], permit: below(rev) }, hold, free } };
}

test('both stores: random candidates get the same answers and leave the same behind', async (t) => {
  t.timeout(60_000 + RUNS * 60);
  const below = randomBelow(SEED);
  const seen = { accepted: 0, mismatch: 0, removed: 0, awaited: 0, confirmed: 0, moved: 0 };
  const moment = { boot: 'b1', ms: 0 };
  for (let from = 0; from < RUNS; from += 50) {
    await using real = await Subject.sqlite();
    await using fake = await Subject.memory();
    for (let rev = 1; rev <= Math.min(50, RUNS - from); rev += 1) {
      const base = below(4) === 0 ? 'empty' : 'stored';
      const part = { base, changes: someChanges(below, rev), cursor: at(rev) } as const;
      const set = after((await fake.store.load()).intents, part);
      const digest = below(5) === 0 ? EMPTY_DIGEST : digestOf(set.values());
      const marks = below(3) === 0 ? { marks: { confirmed: below(rev + 1) } } : {};
      const [mark, whole] = [below(3) === 0 ? below(40) : undefined, { ...part, ...marks, digest }];
      const beside = someBrake(below, rev);
      moment.ms += below(2_000);
      const [mine, theirs] = await both(real, fake, (store) =>
        store.accept(whole, mark, { ...beside, now: () => ({ ...moment }) }),
      );
      const step = `seed ${SEED}, run ${from}, step ${rev}`;
      t.deepEqual(settled(mine), settled(theirs), step);
      t.deepEqual(...(await both(real, fake, async (store) => sorted(await store.load()))), step);
      seen[mine.outcome] += 1;
      if (mine.outcome === 'accepted') seen.removed += mine.removed.length;
      if (mine.outcome === 'accepted') seen.confirmed += mine.news?.ended.length ?? 0;
      if (below(4) === 0) Object.assign(moment, { boot: `b${below(1_000_000)}`, ms: below(9_000) });
      const { unconfirmed } = await fake.store.load();
      seen.awaited += unconfirmed.length;
      const some = unconfirmed.filter(() => below(2) === 0);
      const kind = (['arm', 'disarm', 'revert'] as const)[below(3)] ?? 'arm';
      const moves = await both(real, fake, (store) => store.move(kind, some, { ...moment }));
      t.deepEqual(moves[0].toSorted(byKey), moves[1].toSorted(byKey), step);
      seen.moved += moves[0].length;
      const raised = below(rev + 2);
      t.deepEqual(
        ...(await both(real, fake, (store) => newsOf(store.confirm('e1', raised, () => ({ ...moment }))))),
        step,
      );
      const idle = { key: intent(below(12), 1).key, slot: null, rev: 1, state: 'idle', sinceMs: 5 } as const;
      const rows = below(2) === 0 ? [idle] : [];
      await both(real, fake, (store) => store.saveEntries(rows, []));
      t.deepEqual(...(await both(real, fake, async (store) => sorted(await store.load({ ...moment })))), step);
    }
  }
  t.log(seen);
  for (const count of Object.values(seen)) t.true(count > RUNS / 20, 'every kind of answer came up');
});
