import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { Lender } from '../../fakes/lent-database.ts';

function lender(): Lender {
  const made = new BetterSqlite3(':memory:');
  made.exec('create table first (id integer primary key, what text); create table other (what text)');
  made.exec(`insert into first (what) values ('there from the beginning')`);
  return new Lender(made);
}

test('a lent database: whoever has it next finds what was there in the beginning, and nothing else', (t) => {
  const databases = lender();
  const one = databases.lend();
  one.exec(
    `insert into first (what) values ('one'); delete from first where id = 1; insert into other values ('more')`,
  );
  one.close();
  const next = databases.lend();
  t.is(next, one, 'it is the same one');
  t.deepEqual(next.prepare('select * from first').all(), [{ id: 1, what: 'there from the beginning' }]);
  t.deepEqual(next.prepare('select * from other').all(), []);
  t.is(next.prepare(`insert into first (what) values ('two')`).run().lastInsertRowid, 2);
});

test('a lent database: what was under way when it is given back is taken back', (t) => {
  const databases = lender();
  const one = databases.lend();
  one.exec(`begin; insert into other values ('half')`);
  one.close();
  one.close();
  const [next, another] = [databases.lend(), databases.lend()];
  t.deepEqual(next.prepare('select * from other').all(), []);
  t.not(next, another, 'two have never the same');
});

test('a lent database: a statement is compiled once', (t) => {
  const databases = lender();
  const one = databases.lend();
  const statement = one.prepare('select * from other');
  one.close();
  t.is(databases.lend().prepare('select * from other'), statement);
});
