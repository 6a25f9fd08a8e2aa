import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import Database from 'better-sqlite3';
import { NO_BRAKE } from '../../../../agent/model/brake.ts';
import type { EntryState } from '../../../../agent/model/state.ts';
import type { StoreError } from '../../../../agent/model/store-error.ts';
import { EVENTS_NAME, SqliteStore } from '../../../../agent/store/sqlite-store.ts';
import { DATABASE_NAME } from '../../../../agent/store/tables.ts';
import { checksumOf } from '../../../../daemon/checksum.ts';
import { agentMigrations } from '../../../../migrations/agent/index.ts';
import { NO_CURSOR } from '../../../../protocol/cursor.ts';
import { EMPTY_DIGEST } from '../../../../protocol/digest.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { candidate, del, digestAfter, digestOf, HOST, intent, put } from '../follow/samples.ts';

class Place implements Disposable {
  readonly clock = new ManualClock();
  readonly directory = join(mkdtempSync(join(tmpdir(), 'shunt-store-')), 'state');
  readonly file = join(this.directory, DATABASE_NAME);

  open(host = HOST): Promise<SqliteStore> {
    return SqliteStore.open({ directory: this.directory, host, migrations: agentMigrations, clock: this.clock });
  }

  /** Runs SQL on the file behind the store's back. */
  tamper(sql: string): void {
    const database = new Database(this.file);
    database.exec(sql);
    database.close();
  }

  /** Says other words in the first row of a table, and gives it the checksum of them. */
  rewrite(table: string, words: object, fields: readonly string[]): void {
    const database = new Database(this.file);
    const row = { ...(database.prepare(`select * from ${table}`).get() as Record<string, string | null>), ...words };
    const checksum = checksumOf(fields.map((field) => row[field] ?? null));
    for (const [name, value] of Object.entries({ ...words, checksum })) {
      database.prepare(`update ${table} set ${name} = ?`).run(value);
    }
    database.close();
  }

  [Symbol.dispose](): void {
    rmSync(join(this.directory, '..'), { recursive: true, force: true });
  }
}

const at = (rev: number) => ({ epoch: 'e1', rev });

/** What the checksum of a row is made over, in this order. */
const CURSOR_FIELDS = ['host', 'epoch', 'rev', 'digest', 'seq'];
const ENTRY_FIELDS = 'key slot rev state code errno since_ms installed_at_ms retry_at_ms'.split(' ');

test('store: a new one is empty, private and sound', async (t) => {
  using place = new Place();
  const store = await place.open();
  const { sound, cursor, digest, seq, intents, entries } = await store.load();
  t.deepEqual({ sound, cursor, digest, seq }, { sound: true, cursor: NO_CURSOR, digest: EMPTY_DIGEST, seq: 0 });
  t.deepEqual([...intents, ...entries], []);
  t.is(statSync(place.directory).mode & 0o777, 0o700);
  for (const suffix of ['', '-wal', '-shm']) t.is(statSync(place.file + suffix).mode & 0o777, 0o600);
  await store.close();
  await store.close();
});

test('store: what was accepted is there after a restart', async (t) => {
  using place = new Place();
  const store = await place.open();
  const first = await store.accept(candidate('stored', at(3), [put(1, 1), put(2, 3)]));
  t.deepEqual(first, { outcome: 'accepted', seq: 1, whole: false, put: [intent(1, 1), intent(2, 3)], removed: [] });
  const digest = digestOf([intent(2, 3), intent(3, 6)]);
  const second = await store.accept(candidate('stored', at(6), [del(1, 5), put(3, 6), del(9, 4)], digest));
  t.deepEqual(second, { outcome: 'accepted', seq: 2, whole: false, put: [intent(3, 6)], removed: [intent(1, 1).key] });
  await store.close();

  const again = await (await place.open()).load();
  t.true(again.sound);
  t.deepEqual(again.cursor, at(6));
  t.is(again.seq, 2);
  t.is(again.digest, digest);
  t.deepEqual([...again.intents], [intent(2, 3), intent(3, 6)]);
});

for (const [what, sql] of [
  ['a body', `update intents set body = replace(body, '192.0.2.1', '192.0.2.9')`],
  ['a key', `update intents set key = replace(key, '10.0.0.1/', '10.0.0.3/')`],
  ['a revision', 'update intents set rev = rev + 4 where rev = 1'],
  ['a checksum', `update intents set checksum = 'f' || substr(checksum, 2)`],
  ['a checksum that is none', `update intents set checksum = 'nothing'`],
  ['a row gone', 'delete from intents where rev = 1'],
  ['the digest', `update cursor set digest = 'f' || substr(digest, 2)`],
  ['the cursor', 'update cursor set rev = rev + 1'],
  ['the host', `update cursor set host = 'h3'`],
  ['the cursor gone', 'delete from cursor'],
] as const) {
  test(`store: damage is found, and a full set mends it: ${what}`, async (t) => {
    using place = new Place();
    const store = await place.open();
    await store.accept(candidate('stored', at(3), [put(1, 1), put(2, 3)]));
    await store.close();
    place.tamper(sql);
    const damaged = await place.open();
    t.false((await damaged.load()).sound);
    const mended = await damaged.accept(candidate('empty', at(3), [put(1, 1), put(2, 3)]));
    // Whoever worked on what was left of the set is told all of it.
    t.like(mended, { outcome: 'accepted', whole: true, put: [intent(1, 1), intent(2, 3)] });
    t.true((await damaged.load()).sound);
  });
}

/** Writes a row as an agent does that knows more words than this one. */
const NEWER: readonly (readonly [what: string, table: string, words: object, fields: readonly string[]])[] = [
  ['a state of an entry', 'entries', { state: 'quarantined' }, ENTRY_FIELDS],
  ['an epoch', 'cursor', { epoch: 'e'.repeat(80) }, CURSOR_FIELDS],
  ['a digest', 'cursor', { digest: 'sha512' }, CURSOR_FIELDS],
];

for (const [what, table, words, fields] of NEWER) {
  test(`store: what a newer agent wrote is no damage, and is said to be there: ${what}`, async (t) => {
    using place = new Place();
    const store = await place.open();
    await store.accept(candidate('stored', at(3), [put(1, 1)]));
    await store.saveEntries([{ key: intent(1, 1).key, slot: 4, rev: 1, state: 'installed', sinceMs: 5 }], []);
    t.false((await store.load()).newer);
    await store.close();
    place.rewrite(table, words, fields);
    const again = await place.open();
    const { newer, entries } = await again.load();
    t.true(newer);
    t.is(entries.length, table === 'entries' ? 0 : 1);
    await again.close();
    place.tamper(`update ${table} set checksum = 'nothing'`);
    t.false((await (await place.open()).load()).newer);
  });
}

test('store: keys that were flipped out of their order are mended by one full set', async (t) => {
  using place = new Place();
  const first = await place.open();
  const many = Array.from({ length: 300 }, (_, n) => put(n, n + 1));
  await first.accept(candidate('stored', at(300), many));
  await first.close();
  const bytes = readFileSync(place.file);
  const places = [...bytes.toString('latin1').matchAll(/10\.0\.\d+\.\d+\/32:53/g)].map(({ index }) => index);
  let unsound = 0;
  for (let n = 0; n < 40; n += 1) {
    const flipped = Buffer.from(bytes);
    const key = places[(n * 31) % places.length] ?? 0;
    flipped[key] = (flipped[key] ?? 0) ^ (1 << (n % 3)); // a digit becomes another character
    for (const suffix of ['-wal', '-shm', '.damaged']) rmSync(place.file + suffix, { force: true });
    writeFileSync(place.file, flipped);
    const store = await place.open();
    if (!(await store.load()).sound) unsound += 1;
    t.is((await store.accept(candidate('empty', at(300), many))).outcome, 'accepted');
    t.true((await store.load()).sound, `flip ${n}`);
    await store.close();
  }
  t.true(unsound > 30, `${unsound}`);
});

test('store: damage in a row that an update touches is told apart from a wrong update', async (t) => {
  using place = new Place();
  const store = await place.open();
  await store.accept(candidate('stored', at(3), [put(1, 1), put(2, 3)]));
  place.tamper(`update intents set body = replace(body, '192.0.2.1', '192.0.2.9') where rev = 1`);
  const next = candidate('stored', at(4), [put(1, 4)], digestOf([intent(1, 4), intent(2, 3)]));
  t.deepEqual(await store.accept(next), { outcome: 'mismatch', sound: false });
  place.tamper(`update intents set checksum = 'nothing' where rev = 1`);
  t.deepEqual(await store.accept(next), { outcome: 'mismatch', sound: false });
});

test('store: a file that is no database is moved aside, and the new one is not sound', async (t) => {
  using place = new Place();
  await (await place.open()).close();
  writeFileSync(place.file, 'this is no database, and long enough to be read as the header of one '.repeat(9));
  const store = await place.open();
  const { sound, cursor } = await store.load();
  t.false(sound);
  t.deepEqual(cursor, NO_CURSOR);
  t.true(existsSync(`${place.file}.damaged`));
});

test('store: pages of garbage are moved aside when they are read', async (t) => {
  using place = new Place();
  const first = await place.open();
  const many = Array.from({ length: 2000 }, (_, n) => put(n, n + 1));
  await first.accept(candidate('stored', at(2000), many));
  await first.close();
  const bytes = readFileSync(place.file);
  bytes.fill(0xa5, 4096 * 16, bytes.length - 4096);
  writeFileSync(place.file, bytes);
  const store = await place.open();
  t.false((await store.load()).sound);
  t.is((await store.accept(candidate('empty', at(2000), many))).outcome, 'accepted');
  await store.close();
  t.true((await (await place.open()).load()).sound);
});

test('store: flipped bits are found, wherever they are', async (t) => {
  using place = new Place();
  const first = await place.open();
  const many = Array.from({ length: 300 }, (_, n) => put(n, n + 1));
  await first.accept(candidate('stored', at(300), many));
  const before = await first.load();
  await first.close();
  const bytes = readFileSync(place.file);
  let unsound = 0;
  for (let n = 0; n < 100; n += 1) {
    const flipped = Buffer.from(bytes);
    const bit = (n * 7919 * 8) % (bytes.length * 8);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (n & 7));
    for (const suffix of ['', '-wal', '-shm', '.damaged']) rmSync(place.file + suffix, { force: true });
    writeFileSync(place.file, flipped);
    const store = await place.open().catch(() => undefined);
    const stored = await store?.load();
    if (stored?.sound === true) t.deepEqual(stored, before);
    else unsound += 1;
    await store?.close();
  }
  t.log(`${unsound} of 100 flips found, the others changed nothing that counts`);
  t.true(unsound > 10);
});

test("store: another host's is refused and left as it is", async (t) => {
  using place = new Place();
  await (await place.open()).close();
  const error = await t.throwsAsync<StoreError>(place.open('h2'), { name: 'StoreError' });
  t.is(error.code, 'OTHER_HOST');
  await t.notThrowsAsync(place.open());
});

test('store: a newer schema is refused and left as it is', async (t) => {
  using place = new Place();
  await (await place.open()).close();
  place.tamper('pragma user_version = 99');
  const error = await t.throwsAsync<StoreError>(place.open(), { name: 'StoreError' });
  t.is(error.code, 'NEWER_SCHEMA');
});

test('store: a start that was cut off after its migration goes on', async (t) => {
  using place = new Place();
  const store = await place.open();
  await store.accept(candidate('stored', at(1), [put(1, 1)]));
  await store.close();
  place.tamper('pragma user_version = 0');
  t.is((await (await place.open()).load()).seq, 1);
});

test('store: a locked database is waited for, is busy after a second, and works afterwards', async (t) => {
  using place = new Place();
  const store = await place.open();
  const other = new Database(place.file);
  const first = candidate('stored', at(1), [put(1, 1)]);
  other.exec('begin immediate');
  const refused = t.throwsAsync<StoreError>(store.accept(first));
  await place.clock.pass(1_000);
  const error = await refused;
  t.is(error.code, 'BUSY');
  t.true(error.passing);
  const accepted = store.accept(first);
  await place.clock.pass(500);
  other.exec('rollback');
  await place.clock.pass(20);
  t.is((await accepted).outcome, 'accepted');
  other.close();
});

test('store: what waited for a lock is kept, whatever becomes of many changes that are laid meanwhile', async (t) => {
  using place = new Place();
  const paused = Promise.withResolvers<void>();
  const turn = async (): Promise<void> => {
    paused.resolve();
    await setImmediate();
  };
  const clock = { monotonicMs: () => 0, delay: () => paused.promise, turn };
  const store = await SqliteStore.open({ directory: place.directory, host: HOST, migrations: agentMigrations, clock });
  const other = new Database(place.file);
  const state: EntryState = { key: intent(1, 1).key, slot: 4, rev: 1, state: 'installed', sinceMs: 5 };
  other.exec('begin immediate');
  const saved = store.saveEntries([state], []);
  await setImmediate();
  other.exec('rollback');
  other.close();
  const puts = Array.from({ length: 2_000 }, (_, n) => put(n + 1, n + 1));
  t.is((await store.accept(candidate('empty', at(2_000), puts, EMPTY_DIGEST))).outcome, 'mismatch');
  await saved;
  t.deepEqual((await store.load()).entries, [state]);
  await store.close();
});

test('store: what was asked of it before it is closed is done, however long that takes', async (t) => {
  using place = new Place();
  const store = await place.open();
  const puts = Array.from({ length: 2_000 }, (_, n) => put(n + 1, n + 1));
  const asked = [2_000, 2_001].map((rev) => store.accept(candidate('empty', at(rev), puts, digestAfter(puts))));
  await store.close();
  t.deepEqual(
    (await Promise.all(asked)).map(({ outcome }) => outcome),
    ['accepted', 'accepted'],
  );
});

test('store: a start waits for a database that is locked', async (t) => {
  using place = new Place();
  await (await place.open()).close();
  place.tamper('pragma user_version = 0'); // so that it has to write
  const other = new Database(place.file);
  other.exec('begin exclusive');
  const opening = place.open();
  await place.clock.pass(500);
  other.exec('rollback');
  other.close();
  await place.clock.pass(20);
  t.true((await (await opening).load()).sound);
});

test('store: states are remembered, forgotten, and dropped when damaged', async (t) => {
  using place = new Place();
  const store = await place.open();
  const entry = (key: string, more: Partial<EntryState> = {}): EntryState => ({
    key,
    slot: 4,
    rev: 1,
    state: 'installed',
    sinceMs: 5,
    ...more,
  });
  const first = entry('k1', { installedAtMs: 5 });
  const second = entry('k2', { slot: null, state: 'blocked', code: 'NO_ROUTE', errno: 'ENETUNREACH', retryAtMs: 9 });
  await store.saveEntries([first, second, entry('k3')], []);
  t.deepEqual([...(await store.load()).entries], [first, second, entry('k3')]);
  await store.saveEntries([{ ...first, state: 'idle' }], ['k3', 'nobody']);
  t.deepEqual([...(await store.load()).entries], [{ ...first, state: 'idle' }, second]);
  place.tamper(`update entries set slot = 5 where key = 'k1'`);
  t.deepEqual([...(await store.load()).entries], [second]);
});

test('store: a writer that is killed leaves all that it had promised, whole', async (t) => {
  for (const afterCommits of [1, 5, 40]) {
    using place = new Place();
    const writer = join(import.meta.dirname, 'store-writer.ts');
    const child = spawn(process.execPath, [writer, place.directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    let promised: readonly string[] = [];
    for await (const chunk of child.stdout) {
      promised = [...promised, ...String(chunk).trim().split('\n')];
      if (promised.length >= afterCommits) child.kill('SIGKILL');
    }
    const stored = await (await place.open()).load();
    t.true(stored.sound);
    t.true(promised.length >= afterCommits);
    t.true(stored.cursor.rev >= Number(promised.at(-1)));
    t.is(stored.seq * 3, stored.cursor.rev);
  }
});

test('store: a closed one refuses', async (t) => {
  using place = new Place();
  const store = await place.open();
  await store.close();
  t.is((await t.throwsAsync<StoreError>(store.load())).code, 'CLOSED');
});

test('store: a place that is no directory is refused with advice', async (t) => {
  using place = new Place();
  await (await place.open()).close();
  const error = await t.throwsAsync<StoreError>(
    SqliteStore.open({ directory: place.file, host: HOST, migrations: agentMigrations, clock: place.clock }),
  );
  t.is(error.code, 'ACCESS');
});

test('store: while it is read others have their turn, and what they want of it waits; what redirects have in common is kept once', async (t) => {
  using place = new Place();
  const store = await place.open();
  const changes = Array.from({ length: 3_000 }, (_, n) => put(n, n + 1));
  await store.accept(candidate('empty', at(3_000), changes, digestAfter(changes)));
  const rows = changes.map(({ key }, n): EntryState => ({ key, rev: n + 1, slot: n, state: 'installed', sinceMs: 1 }));
  await store.saveEntries(rows, []);
  place.clock.turnMs = 1;
  const beganMs = place.clock.monotonicMs();
  const loading = store.load();
  const after = store.saveEntries([{ ...(rows[0] as EntryState), state: 'failed' }], []);
  const { intents, entries } = await loading;
  t.true(place.clock.monotonicMs() - beganMs >= 3_000 / 250 + 3_000 / 512 - 1);
  t.deepEqual([intents.length, entries.length], [3_000, 3_000]);
  t.true(entries.every(({ state }) => state === 'installed'));
  t.is(new Set(intents.map(({ to }) => to)).size, new Set(intents.map(({ to }) => JSON.stringify(to))).size);
  await after;
  t.is((await store.load()).entries.filter(({ state }) => state === 'failed').length, 1);
  await store.close();
});

test.serial('store: 100,000 changes in one transaction', async (t) => {
  using place = new Place();
  const store = await place.open();
  const changes = Array.from({ length: 100_000 }, (_, n) => put(n, n + 1));
  const whole = candidate('stored', at(100_000), changes, digestAfter(changes));
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const startedMs = performance.now();
    const result = await work();
    t.log(`${what}: ${(performance.now() - startedMs).toFixed(0)} ms`);
    return result;
  };
  t.is((await timed('accept 100,000', () => store.accept(whole))).outcome, 'accepted');
  t.is((await timed('load 100,000', () => store.load())).intents.length, 100_000);
  t.is((await timed('replace 100,000', () => store.accept({ ...whole, base: 'empty' }))).outcome, 'accepted');
  const next = candidate('stored', at(100_001), [del(5, 100_001)], digestAfter([...changes, del(5, 100_001)]));
  t.is((await timed('accept 1 of 100,000', () => store.accept(next))).outcome, 'accepted');
  const wrong = { ...next, cursor: at(100_002), digest: EMPTY_DIGEST };
  t.is((await timed('mismatch in 100,000', () => store.accept(wrong))).outcome, 'mismatch');
});

const event = (n: number) => ({ v: 1, host: HOST, at: n, kind: 'applied', key: intent(n, n).key }) as const;

test('store: a flight recorder that is damaged is made anew, and what is desired does not feel it', async (t) => {
  using place = new Place();
  const file = join(place.directory, EVENTS_NAME);
  const damages = {
    'a page': (bytes: Buffer) => bytes.fill(0xa5, 4096),
    'its schema': (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace('at_ms', 'at_mz'), 'latin1'),
    'its version': (bytes: Buffer) => bytes.fill(7, 60, 64),
    'all of it': () => Buffer.from('no database, and long enough to be taken for the header of one. '.repeat(9)),
    'its end': (bytes: Buffer) => bytes.subarray(0, bytes.length / 2),
  };
  const first = await place.open();
  await first.accept(candidate('stored', at(1), [put(1, 1)]));
  await first.record(Array.from({ length: 2000 }, (_, n) => event(n)));
  await first.close();
  const whole = readFileSync(file);
  for (const [what, damage] of Object.entries(damages)) {
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
    writeFileSync(file, damage(Buffer.from(whole)));
    const store = await place.open();
    t.true((await store.load()).sound, what);
    await store.record([event(9001)]);
    await store.record([event(9002)]);
    const { events } = await store.recent(Number.MAX_SAFE_INTEGER, 2);
    t.deepEqual(events, [event(9001), event(9002)], what);
    t.deepEqual(await store.history(event(9002).key), [event(9002)], what);
    t.is((await store.accept(candidate('empty', at(1), [put(1, 1)]))).outcome, 'accepted', what);
    await store.close();
  }
});

test('store: a flight recorder that cannot be written is no reason to refuse anything else', async (t) => {
  using place = new Place();
  mkdirSync(join(place.directory, EVENTS_NAME), { recursive: true });
  const store = await place.open();
  await t.throwsAsync(store.record([event(1)]), { name: 'StoreError' });
  t.is((await store.accept(candidate('stored', at(1), [put(1, 1)]))).outcome, 'accepted');
  rmSync(join(place.directory, EVENTS_NAME), { recursive: true });
  await store.record([event(1)]);
  t.deepEqual(await store.history(event(1).key), [event(1)]);
});

/** Bits of the file's header and of the schema that follows it on the first page; every one of the version's. */
const HEADER_BITS = [
  ...Array.from({ length: 100 }, (_, byte) => byte * 8 + ((byte * 3) % 8)),
  ...Array.from({ length: 32 }, (_, n) => 60 * 8 + n),
  ...Array.from({ length: 60 }, (_, n) => 800 + n * 523 + (n % 8)).filter((bit) => bit < 4096 * 8),
];

test('store: whatever bit of the header or the schema is flipped, it opens, and claims nothing that it does not know', async (t) => {
  using place = new Place();
  const first = await place.open();
  await first.accept(candidate('stored', at(2), [put(1, 1), put(2, 2)]));
  const before = await first.load();
  await first.close();
  const bytes = readFileSync(place.file);
  for (const bit of HEADER_BITS) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    for (const suffix of ['-wal', '-shm', '.damaged']) rmSync(place.file + suffix, { force: true });
    writeFileSync(place.file, flipped);
    const store = await place.open();
    const stored = await store.load();
    if (stored.sound) t.deepEqual(stored, before, `bit ${bit}`);
    else t.is((await store.accept(candidate('empty', at(1), [put(1, 1)]))).outcome, 'accepted', `bit ${bit}`);
    await store.close();
  }
});

test('store: one that is closed says so, however much it is given', async (t) => {
  using place = new Place();
  const store = await place.open();
  await store.close();
  for (const count of [1, 100, 501]) {
    const many = Array.from({ length: count }, (_, n) => put(n, n + 1));
    await t.throwsAsync(store.accept(candidate('empty', at(count), many)), { code: 'CLOSED' }, `${count}`);
  }
});

test('store: a write-ahead log that has grown is cut when it begins anew', async (t) => {
  using place = new Place();
  const store = await place.open();
  const many = Array.from({ length: 70_000 }, (_, n) => put(n, n + 1, 'r'.repeat(60)));
  await store.accept(candidate('empty', at(70_000), many));
  const peak = statSync(`${place.file}-wal`).size;
  t.true(peak > 17 * 2 ** 20, `${peak} bytes`);
  const row = { key: intent(1, 1).key, slot: 1, rev: 1, state: 'installed', sinceMs: 0 } as const;
  for (let slot = 1; statSync(`${place.file}-wal`).size > 16 * 2 ** 20 + 2 ** 16; slot += 1) {
    await store.saveEntries([{ ...row, slot }], []);
    await new Promise((resolve) => setTimeout(resolve, 5)); // a thread moves it
  }
  await store.close();
});

/** How often this process has a file open. */
function timesOpen(file: string): number {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // closed meanwhile
    }
  });
  return targets.filter((target) => target === file).length;
}

test('store: a flight recorder that another process locks is busy, and leaves nothing open', async (t) => {
  using place = new Place();
  const store = await place.open();
  const other = new Database(join(place.directory, EVENTS_NAME));
  other.pragma('journal_mode = WAL');
  other.exec('begin immediate');
  const refused = t.throwsAsync<StoreError>(store.record([event(1)]), { name: 'StoreError' });
  await place.clock.pass(5_000);
  t.is((await refused)?.code, 'BUSY');
  other.close();
  t.is(timesOpen(join(place.directory, EVENTS_NAME)), 0);
  await store.record([event(2)]);
  t.deepEqual(await store.history(event(2).key), [event(2)]);
  await store.close();
});

test('store: a damaged row of the brake takes nothing from what is withheld, and a damaged row of that nothing from the others', async (t) => {
  using place = new Place();
  const store = await place.open();
  const held = (n: number) => ({ key: intent(n, 1).key, rev: 9, last: intent(n, 1) });
  const state = { sinceMs: 5, steps: [], permit: 3 };
  await store.accept(candidate('stored', at(9), [put(7, 9)]), 0, {
    brake: { state, hold: [held(1), held(2)], free: [] },
  });
  await store.close();
  place.tamper(`update brake set permit = 8; update withheld set rev = 8 where key = '${held(2).key}'`);
  const again = await place.open();
  t.deepEqual((await again.load()).brake, { state: NO_BRAKE, withheld: [held(1)] });
  await again.close();
});

test('store: one that a release filled which does not know the brake gets what it takes', async (t) => {
  using place = new Place();
  const first = await place.open();
  await first.accept(candidate('stored', at(9), [put(7, 9)]));
  await first.close();
  place.tamper('drop table brake; drop table withheld');
  const store = await place.open();
  t.is((await store.load()).brake, undefined);
  await store.remember({ brake: { state: { ...NO_BRAKE, permit: 2 }, hold: [], free: [] } });
  t.is((await store.load()).brake?.state.permit, 2);
  await store.close();
});

test('store: of a key of which an agent that knows no confirmation stored a later change nothing is awaited', async (t) => {
  using place = new Place();
  const now = () => ({ boot: 'b1', ms: 1_000 });
  const wanting = (n: number) => ({ ...intent(n, 3, 'x'), confirm: { withinMs: 1_000 } });
  const first = await place.open();
  await first.accept(candidate('empty', at(2), [put(1, 1), put(2, 2)]));
  const asked = [wanting(1), wanting(2)];
  const changes = asked.map((one) => ({ op: 'put' as const, ...one }));
  await first.accept(candidate('stored', at(3), changes, digestOf(asked)), 0, { now });
  place.tamper('create table kept as select * from unconfirmed');
  const set = digestOf([intent(1, 5), wanting(2)]);
  await first.accept(candidate('stored', at(5), [put(1, 5)], set), 0, { now });
  await first.close();
  place.tamper('delete from unconfirmed; insert into unconfirmed select * from kept; drop table kept');

  for (const time of [undefined, now()]) {
    const store = await place.open();
    const { sound, unconfirmed } = await store.load(time);
    t.true(sound);
    t.deepEqual(
      unconfirmed.map(({ key }) => key),
      [intent(2, 3).key],
    );
    await store.close();
  }
});
