/** Stores that agents of this release leave, opened by the store of released ones, and taken back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { NO_BRAKE } from '../../agent/model/brake.ts';
import type { EntryState } from '../../agent/model/state.ts';
import { SqliteStore } from '../../agent/store/sqlite-store.ts';
import { makeSystemClock } from '../../daemon/clock.ts';
import { agentMigrations } from '../../migrations/agent/index.ts';
import { bring, RELEASES } from '../support/release.ts';
import { candidate, digestOf, HOST, intent, put } from '../unit/agent/follow/samples.ts';

const BUILD_MS = 10 * 60_000;
const at = (rev: number) => ({ epoch: 'e1', rev });
const CONFIRM = { confirm: { withinMs: 20_000 } };

/** What makes a store of a checkout. */
interface Maker {
  readonly SqliteStore: Pick<typeof SqliteStore, 'open'>;
  readonly agentMigrations: unknown;
}

/** The state directory of a host. */
class Place implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'shunt-older-'));

  open(by: Maker = { SqliteStore, agentMigrations }): Promise<SqliteStore> {
    const directory = join(this.#folder, 'state');
    const migrations = by.agentMigrations as typeof agentMigrations;
    return by.SqliteStore.open({ directory, host: HOST, migrations, clock: makeSystemClock() });
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

for (const release of RELEASES) {
  const { name } = release;
  let old: Maker;

  test.serial.before(`older store: ${name} is there, built`, async (t) => {
    t.timeout(BUILD_MS);
    const folder = await bring(release);
    const [store, migrations] = ['agent/store/sqlite-store.ts', 'migrations/agent/index.ts'];
    old = { ...(await import(join(folder, store))), ...(await import(join(folder, migrations))) };
  });

  test.serial(
    `older store: ${name} reads what was to be confirmed, and what it is told anew stands when today's is back`,
    async (t) => {
      using place = new Place();
      const now = () => ({ boot: 'b1', ms: 1_000 });
      const wanting = { ...intent(1, 3, 'x'), ...CONFIRM };
      const today = await place.open();
      await today.accept(candidate('empty', at(2), [put(1, 1), put(2, 2)]));
      const set = digestOf([wanting, intent(2, 2)]);
      await today.accept(candidate('stored', at(3), [{ op: 'put', ...wanting }], set), 0, { now });
      await today.move('arm', [wanting], now());
      await today.close();

      const older = await place.open(old);
      const has = await older.load();
      t.like(has, { sound: true, cursor: at(3) });
      t.deepEqual(byRev(has.intents), [intent(2, 2), wanting]);
      await older.close();
      const between = await place.open();
      const { sound, unconfirmed } = await between.load(now());
      t.like({ sound, unconfirmed }, { sound: true, unconfirmed: [{ key: wanting.key, is: 'armed' }] }, 'as it was');
      await between.close();

      const again = await place.open(old);
      // A controller says it to such an agent in words that it knows, which is a change of its own.
      await again.accept(candidate('empty', at(5), [put(2, 2), put(1, 5)]));
      t.true((await again.load()).sound);
      await again.close();
      const back = await place.open();
      const later = { boot: 'b1', ms: 100_000 };
      t.like(await back.load(later), { sound: true, newer: false, cursor: at(5), unconfirmed: [] });
      await back.close();
    },
  );

  test.serial(
    `older store: ${name} has what a brake withholds, and once it has stored more nothing is withheld`,
    async (t) => {
      using place = new Place();
      const [one, other] = [intent(1, 1), intent(2, 2)];
      const moved = intent(1, 3, 'moved');
      const state = { ...NO_BRAKE, sinceMs: 5 };
      const hold = [{ key: one.key, rev: 3, last: one }];
      const denied: EntryState = { key: one.key, slot: 1, rev: 3, state: 'denied', code: 'BRAKE', sinceMs: 5 };
      const today = await place.open();
      await today.accept(candidate('empty', at(2), [put(1, 1), put(2, 2)]));
      const set = digestOf([moved, other]);
      await today.accept(candidate('stored', at(3), [put(1, 3, 'moved')], set), 0, {
        brake: { state, hold, free: [] },
      });
      await today.saveEntries([denied], []);
      await today.close();

      const before = await place.open(old);
      const has = await before.load();
      t.like(has, { sound: true, cursor: at(3) });
      t.deepEqual(byRev(has.intents), [other, moved]);
      await before.close();
      const same = await place.open();
      t.deepEqual((await same.load()).brake, { state, withheld: hold }, 'who stores nothing forgets nothing');
      await same.close();

      const older = await place.open(old);
      const newer = intent(2, 4, 'newer');
      await older.accept(candidate('stored', at(4), [put(2, 4, 'newer')], digestOf([moved, newer])));
      await older.close();
      const back = await place.open();
      const now = await back.load();
      t.like(now, { sound: true, newer: false, cursor: at(4), brake: undefined });
      t.deepEqual(byRev(now.intents), [moved, newer]);
      await back.close();
    },
  );
}

function byRev<T extends { readonly rev: number }>(all: readonly T[]): readonly T[] {
  return all.toSorted((a, b) => a.rev - b.rev);
}
