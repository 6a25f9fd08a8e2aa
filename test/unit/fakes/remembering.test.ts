import test from 'ava';
import type { Query } from '../../../controller/store/query.ts';
import type { Session } from '../../../controller/store/session.ts';
import { Remembering } from '../../fakes/remembering.ts';

const ROWS: Query<object, number> = { sql: 'select * from "changes"', bind: () => [] };

/** A table of two rows. */
const session = {
  all: async () => [1, 2],
  first: async () => 1,
} as unknown as Session;

test('remembering: the rows of a statement and the first of them are two answers, whichever is asked for first', async (t) => {
  const found = new Remembering(session);
  t.is(await found.first(ROWS, {}), 1);
  t.deepEqual(await found.all(ROWS, {}), [1, 2]);
  const listed = new Remembering(session);
  t.deepEqual(await listed.all(ROWS, {}), [1, 2]);
  t.is(await listed.first(ROWS, {}), 1);
});
