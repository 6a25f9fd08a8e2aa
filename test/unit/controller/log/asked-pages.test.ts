import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { NO_CURSOR } from '../../../../protocol/cursor.ts';
import type { SyncRequest } from '../../../../protocol/page.ts';
import { AMPLE_BYTES, apply, Folder, openStore, report, spec } from '../fleet.ts';

const HOSTS = Array.from({ length: 200 }, (_, number) => `edge-${number}`);

function asksOf(host: string, from = NO_CURSOR, have = from): SyncRequest {
  return { v: 1, host, have, from };
}

test('pages: of hosts that ask together, each is told what its own log has', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const specs = HOSTS.map((host, number) => spec(`at-${host}`, number, { hosts: [host] }));
  await apply(store, ...specs);
  const pages = await Promise.all(HOSTS.map((host) => store.logs.page(asksOf(host), AMPLE_BYTES)));
  t.deepEqual(
    pages.map(({ host, changes }) => [host, changes.map((change) => change.op === 'put' && change.name)]),
    HOSTS.map((host) => [host, [`at-${host}`]]),
  );
});

test('pages: one who asks for what it may not have is refused alone', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  for (const host of ['edge-1', 'edge-2']) await report(store, host);
  await apply(store, spec('a', 1, { hosts: ['edge-1', 'edge-2'] }));
  const { epoch } = await store.logs.page(asksOf('edge-1'), AMPLE_BYTES);
  const beyond = { epoch, rev: 99 };
  const [first, strange, unheard, last] = await Promise.allSettled([
    store.logs.page(asksOf('edge-1'), AMPLE_BYTES),
    store.logs.page(asksOf('edge-2', beyond, NO_CURSOR), AMPLE_BYTES),
    store.logs.page(asksOf('edge-9', { epoch, rev: 1 }), AMPLE_BYTES),
    store.logs.page(asksOf('edge-2'), AMPLE_BYTES),
  ]);
  t.like(first, { status: 'fulfilled', value: { host: 'edge-1', rev: 1 } });
  t.like(strange, { status: 'rejected', reason: { code: 'BAD_REQUEST' } });
  t.like(unheard, { status: 'rejected', reason: { code: 'NOT_READY' } });
  t.like(last, { status: 'fulfilled', value: { host: 'edge-2', rev: 2 } });
});

test('pages: of many who ask together, one whose log is damaged is refused, or told of what was mended', async (t) => {
  using folder = new Folder();
  const path = folder.file();
  await using store = await openStore(path);
  await apply(store, ...HOSTS.slice(0, 8).map((host, number) => spec(`at-${host}`, number, { hosts: [host] })));
  const strange = new BetterSqlite3(path);
  strange.prepare("update changes set body = replace(body, '192.0.2.7', '192.0.2.8') where host = 'edge-3'").run();
  strange.close();
  const pages = await Promise.all(HOSTS.slice(0, 8).map((host) => store.logs.page(asksOf(host), AMPLE_BYTES)));
  t.deepEqual(
    pages.map(({ host, changes }) => [host, JSON.stringify(changes).includes('192.0.2.7')]),
    HOSTS.slice(0, 8).map((host) => [host, true]),
  );
});
