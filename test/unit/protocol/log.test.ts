import test from 'ava';
import fc from 'fast-check';
import type { Code } from '../../../protocol/codes.ts';
import { encodePage, isSyncError, parsePageReply, parseSyncRequest } from '../../../protocol/page.ts';
import { encodeUpdate, isHint, parseUpdate, type Update } from '../../../protocol/update.ts';
import { changes } from './arbitraries.ts';
import { readFixture } from './messages.ts';
import { expected, refusal } from './refusal.ts';

const update = readFixture('update');
const page = readFixture('page');
const [first, second] = update.changes as [object, object];

const BAD_UPDATES: readonly [title: string, change: object, code: Code, path: string][] = [
  ['for another host', { host: 'edge-8' }, 'FOREIGN_HOST', 'host'],
  ['for another host and broken', { host: 'edge-8', epoch: 1, rev: -1 }, 'FOREIGN_HOST', 'host'],
  ['without a host', { host: undefined }, 'MISSING_FIELD', 'host'],
  ['of another version', { v: 2 }, 'WRONG_VERSION', 'v'],
  ['with prev past rev', { prev: 47 }, 'BAD_REV', 'prev'],
  ['with a change at prev', { prev: 41 }, 'BAD_REV', 'changes[0].rev'],
  ['with a change past rev', { rev: 45 }, 'BAD_REV', 'changes[5].rev'],
  ['with no changes on the way', { changes: [] }, 'BAD_REV', 'prev'],
  ['with a key twice', { changes: [first, { ...first, rev: 42 }] }, 'DUPLICATE_KEY', 'changes[1].key'],
  ['with a rev beyond 2^53', { rev: 2 ** 53 }, 'BAD_FIELD', 'rev'],
  ['with an infinite rev', { rev: 1e308 * 10 }, 'BAD_FIELD', 'rev'],
  ['without an epoch', { epoch: '' }, 'BAD_FIELD', 'epoch'],
  ['with an epoch of 64 bytes', { epoch: 'x'.repeat(64) }, 'BAD_FIELD', 'epoch'],
  ['with a revision that has no epoch', { after: { epoch: '', rev: 3 } }, 'BAD_REV', 'after'],
  ['with a short digest', { digest: '00' }, 'BAD_FIELD', 'digest'],
  ['with an unknown field in a change', { changes: [{ ...first, weight: 3 }] }, 'UNKNOWN_FIELD', 'changes[0].weight'],
  ['with a bad match', { changes: [{ ...second, match: { dst: '::1/64' } }] }, 'BAD_PREFIX', 'changes[0].match.dst'],
  ['with a mark past rev', { confirmed: 47 }, 'BAD_REV', 'confirmed'],
  ['with too many changes', { changes: new Array(65_537).fill(first) }, 'TOO_MANY', 'changes'],
];

for (const [title, change, code, path] of BAD_UPDATES) {
  test(`parse update: one ${title} is refused`, (t) => {
    t.is(
      refusal(() => parseUpdate({ ...update, ...change }, 'edge-7')),
      expected(code, path),
    );
  });
}

const BAD_PAGES: readonly [title: string, change: object, code: Code, path: string][] = [
  ['for another host', { host: 'edge-8' }, 'FOREIGN_HOST', 'host'],
  ['with rev past head', { head: 41 }, 'BAD_REV', 'rev'],
  ['with floor past head', { floor: 47 }, 'BAD_REV', 'floor'],
  ['that ends before head', { more: false }, 'BAD_REV', 'more'],
  ['that leads nowhere', { prev: 42, changes: [] }, 'BAD_REV', 'more'],
  ['of an unknown standing', { standing: 'fine' }, 'BAD_FIELD', 'standing'],
  ['without an epoch', { epoch: '' }, 'BAD_REV', 'epoch'],
  ['with a change past rev', { rev: 41 }, 'BAD_REV', 'changes[1].rev'],
  ['with a mark past head', { permit: 47 }, 'BAD_REV', 'permit'],
];

for (const [title, change, code, path] of BAD_PAGES) {
  test(`parse page: one ${title} is refused`, (t) => {
    t.is(
      refusal(() => parsePageReply({ ...page, ...change }, 'edge-7')),
      expected(code, path),
    );
  });
}

test('parse page: a controller that never made a change has no epoch', (t) => {
  const nothing = { epoch: '', rev: 0 };
  const empty = {
    ...readFixture('page-heartbeat'),
    have: nothing,
    from: nothing,
    epoch: '',
    prev: 0,
    rev: 0,
    head: 0,
    floor: 0,
  };
  t.notThrows(() => parsePageReply(empty));
});

test('parse page: an error is told from a page', (t) => {
  t.true(isSyncError(parsePageReply(readFixture('sync-error'), 'edge-7')));
  t.false(isSyncError(parsePageReply(page, 'edge-7')));
});

test('parse sync request: one of another host is refused', (t) => {
  t.is(
    refusal(() => parseSyncRequest(readFixture('sync-request'), 'edge-8')),
    expected('FOREIGN_HOST', 'host'),
  );
});

test('parse update: what was encoded comes back', (t) => {
  fc.assert(
    fc.property(changes, (list) => {
      const made = { ...update, prev: 0, rev: list.length, changes: list } as unknown as Update;
      const parsed = parseUpdate(encodeUpdate(made), 'edge-7');
      t.deepEqual(parsed, made);
      t.is(isHint(parsed), list.length === 0);
      const last = {
        ...page,
        prev: 0,
        rev: list.length,
        head: list.length,
        floor: 0,
        confirmed: list.length,
        permit: 0,
        more: false,
        changes: list,
      } as never;
      t.deepEqual(parsePageReply(encodePage(last)), last);
    }),
  );
});
