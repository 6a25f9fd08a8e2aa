import test from 'ava';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import type { Schema } from '../../../../controller/store/schema.ts';
import type { Session } from '../../../../controller/store/session.ts';
import { type KnownHost, KnownHosts } from '../../../../controller/store/tables/known-hosts.ts';

/** Whatever is in it is told apart by being another object. */
const somebody = (): KnownHost => ({}) as KnownHost;

test('known hosts: what a transaction sees of a host is not what another one keeps meanwhile', async (t) => {
  const compiler = new Database(':memory:');
  t.teardown(() => compiler.close());
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: compiler }) });
  const known = new KnownHosts(db, () => undefined);
  const [before, after] = [somebody(), somebody()];
  known.keep({ host: 'h1', checksum: 'one' }, before);
  const answers: readonly (() => unknown[])[] = [
    () => ['h1', 'h2'].map((host) => ({ host, checksum: 'one' })),
    () => {
      known.keep({ host: 'h1', checksum: 'two' }, after);
      return [];
    },
  ];
  let asked = 0;
  const all = async () => {
    const answer = answers[asked];
    asked += 1;
    return answer?.() ?? [];
  };
  const found = await known.all({ all } as unknown as Session);
  t.is(asked, 2);
  t.deepEqual([...found.keys()], ['h1']);
  t.is(found.get('h1'), before);
});
