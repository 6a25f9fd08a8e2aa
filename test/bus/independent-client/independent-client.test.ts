/**
 * docs/protocol.md is enough: a host and an operator that were written from it, over a socket and with std alone, work
 * with the real controller on a real nats-server.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { type Controller, startController } from '../../../controller/main.ts';
import { startNats } from '../../support/nats.ts';
import { Folder } from '../../unit/controller/fleet.ts';
import { IndependentHost } from './host.ts';
import { IndependentOperator } from './operator.ts';

const WAIT_MS = 300_000;

function start(nats: string, db: string): Promise<Controller> {
  return startController({ nats: [nats], db, rootSubject: 'shunt.v1' }, pino({ level: 'silent' }), (error) => {
    throw error;
  });
}

/** A server whose messages are small, so that a few hundred redirects make several pages. */
function startSmallNats(folder: Folder) {
  const config = folder.file('nats.conf');
  writeFileSync(config, 'max_payload: 16KB\n');
  return startNats('--config', config);
}

function redirects(from: number, to: number, hosts: unknown = ['edge-7']): object[] {
  return Array.from({ length: to - from }, (_, at) => ({
    name: `r${from + at}`,
    hosts,
    match: { dst: `203.0.113.${from + at}`, proto: 'udp', dport: 443 },
    to: { nexthop: '10.0.0.7' },
  }));
}

async function until(t: ExecutionContext, what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + WAIT_MS;
  while (!(await holds())) {
    if (Date.now() > deadlineMs) return t.fail(`not within ${WAIT_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('protocol page: its host follows pages, updates, hints, gaps and epochs with the right digest', async (t) => {
  using folder = new Folder();
  await using server = await startSmallNats(folder);
  const first = await start(server.url, folder.file());
  using operator = await IndependentOperator.open(server.url);
  t.like(await operator.apply(redirects(0, 200)), { created: 200, changed: 0, unchanged: 0, hosts: 1, rev: 200 });

  using host = await IndependentHost.start(server.url, 'edge-7', { role: 'edge' });
  t.is(host.held.size, 200);
  t.is(host.cursor.rev, 200);
  t.true(host.seen.pages > 1, 'several pages');

  t.like(await operator.delete('r3', 'nobody'), { deleted: ['r3'], absent: ['nobody'], rev: 201 });
  await until(t, 'the delete', () => host.cursor.rev === 201);
  t.like(host.seen, { applied: 1, gaps: 0 });
  t.is(host.held.size, 199);

  host.deaf = true;
  await operator.apply(redirects(200, 201));
  await until(t, 'an update that nobody hears', () => host.seen.missed === 1);
  host.deaf = false;
  await operator.apply(redirects(201, 202));
  await until(t, 'what was lost', () => host.cursor.rev === 203);
  t.like(host.seen, { gaps: 1 });

  await operator.apply(redirects(0, 150).map((redirect) => ({ ...redirect, to: 'drop' })));
  await until(t, 'what only a hint could say', () => host.cursor.rev === 353);
  t.like(host.seen, { gaps: 2 });

  const { epoch } = host.cursor;
  await first[Symbol.asyncDispose]();
  await using _second = await start(server.url, folder.file());
  const { applied } = host.seen;
  await operator.delete('r0');
  await until(t, 'the first change of another epoch', () => host.cursor.rev === 354);
  t.not(host.cursor.epoch, epoch);
  t.is(host.seen.applied, applied + 1);
  await host.sync();
  t.is(host.standing, 'ok');
  t.is(host.seen.refused, 0);
});

test('protocol page: its host is selected by the labels that it reports, and answers', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  await using _controller = await start(server.url, folder.file());
  using operator = await IndependentOperator.open(server.url);
  await operator.apply(redirects(0, 3, { role: 'edge' }));
  using host = await IndependentHost.start(server.url, 'edge-7', { role: 'edge' });
  t.is(host.held.size, 0);
  host.report();
  await until(t, 'its redirects', () => host.held.size === 3);
  host.report();
  const listed = async () => (await operator.list('hosts', 1))[0];
  await until(t, 'its report', async () => (await listed())?.stored === 3);
  t.like(await listed(), {
    host: 'edge-7',
    labels: { role: 'edge' },
    head: 3,
    applied: 3,
    installed: 3,
    standing: 'ok',
  });
  t.deepEqual(
    (await operator.list('get', 1)).map(({ hosts }) => hosts),
    [['edge-7'], ['edge-7'], ['edge-7']],
  );
  t.like(await operator.ask('edge-7', 'status'), { stored: 3, digest: host.digest });
  t.like(await operator.ask('edge-7', 'dance'), { error: { code: 'UNKNOWN_VERB' } });
  operator.say('shunt.v1.live.edge-7', 'nonsense');
  await until(t, 'the refusal', () => host.seen.refused === 1);
  t.is(host.held.size, 3);
});

test('protocol page: its operator is told what is wrong, and nothing changes', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  await using _controller = await start(server.url, folder.file());
  using operator = await IndependentOperator.open(server.url);
  const [good, bad] = redirects(0, 2);
  const refused = await operator.apply([good as object, { ...bad, match: { dst: '203.0.113.1/24' } }], 1);
  t.like(refused, { error: { code: 'BAD_REQUEST', problems: [{ index: 1, name: 'r1', code: 'BAD_PREFIX' }] } });
  t.deepEqual(await operator.list('get', 10), []);
});

test('protocol page: the client imports std and itself only', (t) => {
  for (const file of ['nats-wire.ts', 'host.ts', 'operator.ts']) {
    const source = readFileSync(new URL(file, import.meta.url), 'utf8');
    const imported = [...source.matchAll(/from '([^']+)'/g)].map(([, specifier]) => specifier);
    t.deepEqual(
      imported.filter((specifier) => !/^(node:[a-z]+|\.\/[a-z-]+\.ts)$/.test(specifier ?? '')),
      [],
      file,
    );
  }
});
