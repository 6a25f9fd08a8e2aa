import test from 'ava';
import type { Declined } from '../../../../controller/model/declined.ts';
import { portsOver } from '../../../../controller/open.ts';
import type { Query } from '../../../../controller/store/query.ts';
import type { Session } from '../../../../controller/store/session.ts';
import { SqliteDatabase } from '../../../../controller/store/sqlite/database.ts';
import { Tables } from '../../../../controller/store/tables/tables.ts';
import { makeSystemClock } from '../../../../daemon/clock.ts';
import { controllerMigrations } from '../../../../migrations/controller/index.ts';
import { NO_CURSOR } from '../../../../protocol/cursor.ts';
import type { Page } from '../../../../protocol/page.ts';
import { AMPLE_BYTES, apply, Folder, openStore, Replica, type Store, spec, status } from '../fleet.ts';

const NUMBERS = Array.from({ length: 400 }, (_, at) => at);
const NOTHING = { epoch: '', stored: 0 };
/** Room for some twenty changes. */
const SMALL_BYTES = 4096;

/** A session that tells of each row that is read. */
class Counted implements Session {
  readonly #session: Session;
  readonly #onRows: (count: number) => void;

  constructor(session: Session, onRows: (count: number) => void) {
    this.#session = session;
    this.#onRows = onRows;
  }

  async all<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row[]> {
    const rows = await this.#session.all(query, values);
    this.#onRows(rows.length);
    return rows;
  }

  *each<Values, Row>(query: Query<Values, Row>, values: Values): Generator<Row> {
    for (const row of this.#session.each(query, values)) {
      this.#onRows(1);
      yield row;
    }
  }

  async first<Values, Row>(query: Query<Values, Row>, values: Values): Promise<Row | undefined> {
    this.#onRows(1);
    return this.#session.first(query, values);
  }

  run<Values>(query: Query<Values, unknown>, values: Values): Promise<number> {
    return this.#session.run(query, values);
  }
}

/** A second controller on a database, and the rows of each of its transactions that only read. */
async function openCounted(path: string): Promise<{ readonly store: Store; readonly rows: number[] }> {
  const clock = makeSystemClock();
  const database = await SqliteDatabase.open(path, { migrations: controllerMigrations, clock });
  const read = database.read.bind(database);
  const rows: number[] = [];
  const counted = Object.assign(database, {
    read: <T>(work: (session: Session) => Promise<T>) => {
      const at = rows.push(0) - 1;
      return read((session) => work(new Counted(session, (count) => (rows[at] = (rows[at] ?? 0) + count))));
    },
  });
  const store = await portsOver(counted, new Tables(database.compiler), clock, (error) => {
    throw error;
  });
  rows.length = 0;
  return { store, rows };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

/** Some hosts with a log by their labels, of which another database knows no status any more. */
async function silence(path: string, hosts: readonly string[]): Promise<void> {
  let now = 1_000_000_000;
  await using store = await openStore(path, () => now);
  await store.roster.report(hosts.map((host) => ({ status: status(host, NOTHING), seenAtMs: now })));
  await apply(store, ...NUMBERS.map((at) => spec(`r${at}`, at, { hosts: 'all' })));
  now += 3_600_000;
  await store.desk.recover();
}

/** The pages of a host that holds nothing, and how many rows were read for them. */
async function follow(path: string, host: string, budgetBytes: number): Promise<{ pages: Page[]; rows: number }> {
  const { store, rows } = await openCounted(path);
  await using _ = store;
  const pages = await new Replica(host).sync(store.logs, budgetBytes);
  return { pages, rows: sum(rows) };
}

test('pages: for a host that was not heard every row is read once, however many pages it takes', async (t) => {
  using folder = new Folder();
  await silence(folder.file(), ['silent']);
  const whole = await follow(folder.file(), 'silent', AMPLE_BYTES);
  const parted = await follow(folder.file(), 'silent', SMALL_BYTES);
  t.is(whole.pages.length, 1);
  t.true(parted.pages.length > 10);
  t.is(sum(parted.pages.map(({ changes }) => changes.length)), NUMBERS.length);
  const beside = whole.rows - 2 * NUMBERS.length;
  t.true(beside > 0 && beside < 10, `${beside} rows beside changes and specs`);
  // The first row that does not fit on a page is read for it, too.
  t.true(parted.rows <= 2 * NUMBERS.length + parted.pages.length * (beside + 1), `${parted.rows} rows`);
});

test('pages: a page is refused that specs do not bear out, and not one before it', async (t) => {
  using folder = new Folder();
  await silence(folder.file(), ['silent']);
  await using store = await openStore(folder.file());
  await store.desk.delete([`r${NUMBERS.length - 1}`]);
  const replica = new Replica('silent');
  let pages = 1;
  const sync = replica.sync(store.logs, SMALL_BYTES, async () => {
    pages += 1;
  });
  t.is(((await t.throwsAsync(sync)) as Declined).code, 'NOT_READY');
  t.true(pages > 10);
  t.is(replica.cursor.epoch, '', 'nothing of it is proven');
});

test('pages: who is refused for what its page says was read for, and others get their turn before the next', async (t) => {
  using folder = new Folder();
  const hosts = Array.from({ length: 20 }, (_, at) => `silent-${at}`);
  await silence(folder.file(), hosts);
  const { store, rows } = await openCounted(folder.file());
  await using _ = store;
  await store.desk.delete(['r0']);
  rows.length = 0;
  const ask = (host: string) => store.logs.page({ v: 1, host, have: NO_CURSOR, from: NO_CURSOR }, AMPLE_BYTES);
  for (const refused of await Promise.allSettled(hosts.map(ask)))
    t.like(refused, { status: 'rejected', reason: { code: 'NOT_READY' } });
  t.true(Math.max(...rows) < 3 * NUMBERS.length, `${rows} rows`);
  t.is(rows.length, hosts.length);
});
