import test from 'ava';
import type { Bus } from '../../../cli/client.ts';
import { deleteNames } from '../../../cli/delete-names.ts';
import { EXIT, Failure } from '../../../cli/line/failure.ts';
import { parseDeleteRequest } from '../../../protocol/delete.ts';

const QUIET = { progress: () => {} };
const HOW = { terms: { allowShrink: true, reason: 'it is over' }, files: [] } as const;
const NAMES = Array.from({ length: 5_001 }, (_, n) => `web-${n}`);

/** A controller that refuses the request of a number. */
function busOf(refused?: number): Pick<Bus, 'api' | 'maxPayloadBytes'> {
  let asked = 0;
  const api: Bus['api'] = async <T>(_verb: unknown, data: Uint8Array): Promise<T> => {
    asked += 1;
    if (asked === refused) throw new Failure(EXIT.refused, 'SHRINKS_TOO_MUCH', 'too much would go');
    const { names } = parseDeleteRequest(data);
    return { v: 1, deleted: names, absent: [], hosts: asked, rev: asked, change: `change-${asked}` } as T;
  };
  return { api, maxPayloadBytes: 1_048_576 };
}

test('delete: very many names are several changes, told as one', async (t) => {
  const { deleted, ...done } = await deleteNames(NAMES, HOW, busOf(), QUIET);
  t.deepEqual(deleted, NAMES);
  t.deepEqual(done, { absent: [], hosts: 2, rev: 2, nears: [], changes: ['change-1', 'change-2'] });
});

test('delete: where a later one of several is refused, it is said what went before', async (t) => {
  t.like(await t.throwsAsync(deleteNames(NAMES, HOW, busOf(2), QUIET)), {
    code: 'SHRINKS_TOO_MUCH',
    message: 'too much would go; before that, 5000 redirects of it went, change change-1',
  });
  t.like(await t.throwsAsync(deleteNames(NAMES, HOW, busOf(1), QUIET)), { message: 'too much would go' });
});

test('delete: what takes several changes is judged in pieces, so nothing goes unless it is said that much may', async (t) => {
  const terms = { reason: 'it is over' };
  t.like(await t.throwsAsync(deleteNames(NAMES, { terms, files: [] }, busOf(1), QUIET)), {
    code: 'SHRINKS_TOO_MUCH',
    message:
      '5001 redirects take 2 changes, and how much goes would be judged of each alone; nothing was changed: see shunt plan --delete, and repeat it with --allow-shrink and --reason',
  });
  const { deleted } = await deleteNames(NAMES.slice(1), { terms, files: [] }, busOf(), QUIET);
  t.is(deleted.length, 5_000);
});
