import test, { type ExecutionContext } from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { connect, createInbox, type NatsConnection } from 'nats';
import { pino } from 'pino';
import { type Controller, startController } from '../../controller/main.ts';
import { type ApiError, type ApplyReply, encodeApplyRequest, isApiError, parseApplyReply } from '../../protocol/api.ts';
import { NO_CURSOR } from '../../protocol/cursor.ts';
import { encodeDeleteRequest, parseDeleteReply } from '../../protocol/delete.ts';
import { encodeGetRequest, encodeHostsRequest, parseGetReply, parseHostsReply } from '../../protocol/listings.ts';
import {
  encodeSyncRequest,
  isSyncError,
  type PageReply,
  parsePageReply,
  type SyncRequest,
} from '../../protocol/page.ts';
import { encodeStatus } from '../../protocol/status.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { parseUpdate, type Update } from '../../protocol/update.ts';
import { startNats } from '../support/nats.ts';
import { onlyUsers } from '../support/nats-users.ts';
import { ALLOWED, Folder, Replica, spec, status } from '../unit/controller/fleet.ts';

const subjects = makeSubjects();
const WAIT_MS = 300_000;
/** Long enough for what must not come. */
const SILENCE_MS = 400;

function start(url: string, db: string): Promise<Controller> {
  const config = { nats: [url], db, rootSubject: 'shunt.v1' };
  return startController(config, pino({ level: process.env.SHUNT_TEST_LOG ?? 'silent' }), (error) => {
    throw error;
  });
}

/** A client of the bus that speaks as operator and as host. */
class Client implements AsyncDisposable {
  readonly nats: NatsConnection;

  private constructor(nats: NatsConnection) {
    this.nats = nats;
  }

  static async open(url: string): Promise<Client> {
    return new Client(await connect({ servers: url }));
  }

  async api(verb: string, data: Uint8Array): Promise<Uint8Array> {
    return (await this.nats.request(subjects.api(verb), data, { timeout: WAIT_MS })).data;
  }

  /** Applies in parts of `partSize`. */
  async apply(specs: readonly object[], partSize = 1000): Promise<ApplyReply | ApiError> {
    const parts = Math.max(1, Math.ceil(specs.length / partSize));
    for (let part = 0; ; part += 1) {
      const piece = specs.slice(part * partSize, (part + 1) * partSize);
      const reply = parseApplyReply(
        await this.api('apply', encodeApplyRequest({ v: 1, upload: 'test', part, parts, specs: piece, ...ALLOWED })),
      );
      if (isApiError(reply) || !('part' in reply)) return reply;
    }
  }

  async delete(...names: string[]): Promise<ReturnType<typeof parseDeleteReply>> {
    return parseDeleteReply(await this.api('delete', encodeDeleteRequest({ v: 1, names, ...ALLOWED })));
  }

  /** Asks as a host does, with a reply subject in its own inbox unless told otherwise; `undefined`: no answer came. */
  async sync(request: SyncRequest, replyTo?: string, timeoutMs = WAIT_MS): Promise<PageReply | undefined> {
    const inbox = replyTo ?? createInbox(subjects.inbox(request.host));
    const replies = this.nats.subscribe(inbox, { max: 1, timeout: timeoutMs });
    this.nats.publish(subjects.sync(request.host), encodeSyncRequest(request), { reply: inbox });
    try {
      for await (const reply of replies) return parsePageReply(reply.data, request.host);
    } catch {
      // the time is over
    }
    return undefined;
  }

  /** Collects the updates of a host from now on. */
  async listen(host: string): Promise<Update[]> {
    const updates: Update[] = [];
    this.nats.subscribe(subjects.live(host), { callback: (_, { data }) => updates.push(parseUpdate(data, host)) });
    await this.nats.flush();
    return updates;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.nats.close();
  }
}

async function until(t: ExecutionContext, what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + WAIT_MS;
  while (!(await holds())) {
    if (Date.now() > deadlineMs) {
      t.fail(`not within ${WAIT_MS} ms: ${what}`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Follows pages as a host does. */
async function follow(client: Client, host: string): Promise<Replica> {
  const replica = new Replica(host);
  await replica.sync({
    page: async (request) => {
      const reply = await client.sync(request);
      if (reply === undefined || isSyncError(reply)) throw new Error(`no page: ${JSON.stringify(reply)}`);
      return reply;
    },
  });
  return replica;
}

test('controller: an apply in parts is pushed at once, and a sync answers the same', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  await using _controller = await start(server.url, folder.file());
  await using client = await Client.open(server.url);
  const updates = await client.listen('edge-1');
  const specs = Array.from({ length: 25 }, (_, number) => spec(`r${number}`, number));
  t.like(await client.apply(specs, 10), { created: 25, changed: 0, unchanged: 0, hosts: 1, rev: 25 });
  await until(t, 'an update', () => updates.length > 0);
  const replica = new Replica('edge-1');
  for (const update of updates) replica.lay(update.changes);
  t.is(replica.intents.size, 25);
  t.is(updates.at(-1)?.digest, replica.digest);
  t.like(updates[0], { prev: 0, rev: 25 });
  const synced = await follow(client, 'edge-1');
  t.is(synced.digest, replica.digest);
  t.deepEqual(synced.cursor, { epoch: updates[0]?.epoch ?? '', rev: 25 });
});

test('controller: a second delete finds nothing, and that is success', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  await using _controller = await start(server.url, folder.file());
  await using client = await Client.open(server.url);
  await client.apply([spec('a', 1)]);
  const updates = await client.listen('edge-1');
  t.like(await client.delete('a'), { deleted: ['a'], absent: [], hosts: 1, rev: 2 });
  t.like(await client.delete('a'), { deleted: [], absent: ['a'], hosts: 0, rev: 2 });
  await until(t, 'the delete', () => updates.some(({ changes }) => changes[0]?.op === 'delete'));
  t.is((await follow(client, 'edge-1')).intents.size, 0);
});

test('controller: a host gets what its labels select once it reports them', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  await using _controller = await start(server.url, folder.file());
  await using client = await Client.open(server.url);
  await client.apply([spec('a', 1, { hosts: { role: 'edge' } })]);
  const updates = await client.listen('edge-9');
  const labels = { role: 'edge' };
  client.nats.publish(subjects.status('edge-9'), encodeStatus(status('edge-9', { labels, epoch: '', stored: 0 })));
  await until(t, 'an update', () => updates.length > 0);
  t.like(updates[0], { prev: 0, rev: 1 });
  const hosts = parseHostsReply(await client.api('hosts', encodeHostsRequest({ v: 1 })));
  t.like(hosts, { items: [{ host: 'edge-9', labels, head: 1, standing: 'ok' }], next: null });
  const listed = parseGetReply(await client.api('get', encodeGetRequest({ v: 1, name: 'a' })));
  t.like(listed, { items: [{ hosts: ['edge-9'], shadowed: [], rev: 1 }], next: null });
});

test('controller: what is not valid is refused whole, with every reason', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  await using _controller = await start(server.url, folder.file());
  await using client = await Client.open(server.url);
  const refused = await client.apply([spec('a', 1), { ...spec('b', 2), macht: {} }, spec('a', 3)], 1);
  t.true(isApiError(refused));
  const problems = isApiError(refused) ? refused.error.problems : [];
  t.deepEqual(
    problems?.map(({ index, code }) => [index, code]),
    [
      [1, 'UNKNOWN_FIELD'],
      [2, 'DUPLICATE_NAME'],
    ],
  );
  t.like(await client.apply([]), { error: { code: 'BAD_REQUEST' } });
  t.like(parseGetReply(await client.api('get', new TextEncoder().encode('{"v":2}'))), {
    error: { code: 'WRONG_VERSION' },
  });
  t.like(parseGetReply(await client.api('get', new TextEncoder().encode('nonsense'))), { error: { code: 'BAD_JSON' } });
  t.like(parseGetReply(await client.api('dance', new Uint8Array())), { error: { code: 'UNKNOWN_VERB' } });
});

test('sync: only the inbox of the asking host is answered', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  await using _controller = await start(server.url, folder.file());
  await using client = await Client.open(server.url);
  await client.apply([spec('a', 1)]);
  const request: SyncRequest = { v: 1, host: 'edge-1', have: NO_CURSOR, from: NO_CURSOR };
  for (const replyTo of [
    subjects.live('edge-2'),
    createInbox(subjects.inbox('edge-2')),
    createInbox(),
    `${subjects.inbox('edge-1')}0.x`,
    subjects.inbox('edge-1'),
  ]) {
    t.is(await client.sync(request, replyTo, SILENCE_MS), undefined, replyTo);
  }
  t.like(await client.sync(request), { standing: 'ok', rev: 1 });
});

test('sync: a request for another host than its subject, or that makes no sense, is told so', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  await using _controller = await start(server.url, folder.file());
  await using client = await Client.open(server.url);
  const ask = async (data: Uint8Array): Promise<unknown> => {
    const reply = createInbox(subjects.inbox('edge-1'));
    const replies = client.nats.subscribe(reply, { max: 1, timeout: WAIT_MS });
    client.nats.publish(subjects.sync('edge-1'), data, { reply });
    for await (const { data: answer } of replies) return parsePageReply(answer, 'edge-1');
  };
  const foreign = encodeSyncRequest({ v: 1, host: 'edge-2', have: NO_CURSOR, from: NO_CURSOR });
  t.like(await ask(foreign), { error: { code: 'FOREIGN_HOST' } });
  t.like(await ask(new TextEncoder().encode('{')), { error: { code: 'BAD_JSON' } });
});

test('sync: a host whose history is not ours is told its standing and nothing else', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  await using _controller = await start(server.url, folder.file());
  await using client = await Client.open(server.url);
  await client.apply([spec('a', 1)]);
  const have = { epoch: 'other.1', rev: 7 };
  t.like(await client.sync({ v: 1, host: 'edge-1', have, from: have }), { error: { code: 'NOT_READY' } });
  client.nats.publish(subjects.status('edge-1'), encodeStatus(status('edge-1')));
  await until(
    t,
    'its status',
    async () => 'standing' in ((await client.sync({ v: 1, host: 'edge-1', have, from: have })) ?? {}),
  );
  t.like(await client.sync({ v: 1, host: 'edge-1', have, from: have }), {
    standing: 'unknown',
    changes: [],
    more: false,
  });
});

test('controller: two on one database are one, and both push', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  await using _one = await start(server.url, folder.file());
  await using _two = await start(server.url, folder.file());
  await using client = await Client.open(server.url);
  const updates = await client.listen('edge-1');
  for (let number = 0; number < 20; number += 1) {
    t.like(await client.apply([spec(`r${number}`, number)]), { created: 1, rev: number + 1 });
  }
  await until(t, 'the last update from both', () => updates.filter(({ rev }) => rev === 20).length === 2);
  const replica = await follow(client, 'edge-1');
  t.is(replica.digest, replica.head.digest);
  t.is(updates.at(-1)?.digest, replica.digest);
  t.is(replica.intents.size, 20);
});

test('controller: what is too large for one message is pushed as a hint and paged', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  await using _controller = await start(server.url, folder.file());
  await using client = await Client.open(server.url);
  const updates = await client.listen('edge-1');
  await client.apply(Array.from({ length: 3000 }, (_, number) => spec(`r${number}`, number)));
  await until(t, 'a hint', () => updates.length > 0);
  t.like(updates[0], { changes: [], prev: 3000, rev: 3000 });
  const replica = await follow(client, 'edge-1');
  t.is(replica.intents.size, 3000);
  t.is(updates[0]?.digest, replica.digest);
});

test('controller: nothing longer than the server takes is sent', async (t) => {
  using folder = new Folder();
  const config = folder.file('nats.conf');
  const { writeFileSync } = await import('node:fs');
  writeFileSync(config, 'max_payload: 16KB\n');
  await using server = await startNats('--config', config);
  await using _controller = await start(server.url, folder.file());
  await using client = await Client.open(server.url);
  const updates = await client.listen('edge-1');
  t.like(
    await client.apply(
      Array.from({ length: 200 }, (_, number) => spec(`r${number}`, number)),
      50,
    ),
    { created: 200 },
  );
  await until(t, 'a hint', () => updates.length > 0);
  t.like(updates[0], { changes: [], rev: 200 });
  t.is((await follow(client, 'edge-1')).intents.size, 200);
  const bad = Array.from({ length: 200 }, (_, number) => ({ ...spec(`r${number}`, number), nonsense: 1 }));
  const refused = await client.apply(bad, 50);
  t.true(isApiError(refused) && (refused.error.problems?.length ?? 0) > 0);
});

test('controller: a server that comes back gets what was committed meanwhile', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  await using _one = await start(server.url, folder.file());
  {
    await using client = await Client.open(server.url);
    await client.apply([spec('a', 1)]);
  }
  await server.kill();
  await server.start();
  await using client = await Client.open(server.url);
  const updates = await client.listen('edge-1');
  await until(t, 'an answer', async () => (await client.apply([spec('b', 2)]).catch(() => undefined)) !== undefined);
  await until(t, 'an update', () => updates.some(({ rev }) => rev === 2));
  t.is((await follow(client, 'edge-1')).intents.size, 2);
});

test('controller: closing ends what is at hand and answers it', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  const controller = await start(server.url, folder.file());
  await using client = await Client.open(server.url);
  const updates = await client.listen('edge-1');
  const applied = client.apply(Array.from({ length: 900 }, (_, number) => spec(`r${number}`, number)));
  let answered = false;
  void applied.then(() => {
    answered = true;
  });
  await until(t, 'its transaction', async () => answered || isWriting(folder.file()));
  await controller[Symbol.asyncDispose]();
  t.like(await applied, { created: 900, rev: 900 });
  await client.nats.flush();
  t.is(updates.at(-1)?.rev, 900);
});

test('controller: no bus, one that refuses it, or no place for the database, is said', async (t) => {
  using folder = new Folder();
  await using server = await startNats(...onlyUsers(t, '{ user: u, password: p }'));
  await t.throwsAsync(start('nats://127.0.0.1:1', folder.file()), { name: 'BusError', code: 'UNREACHABLE' });
  await t.throwsAsync(start(server.url, folder.file()), { name: 'BusError', code: 'REFUSED' });
  const config = { nats: [server.url], db: folder.file(), rootSubject: 'shunt.v1', creds: folder.file('absent.creds') };
  await t.throwsAsync(
    startController(config, pino({ level: 'silent' }), () => t.fail()),
    {
      code: 'NO_CREDS',
      message: /absent/,
    },
  );
  const nowhere = folder.file('absent/x.db');
  await t.throwsAsync(start(server.url, nowhere), { name: 'StoreError', code: 'UNUSABLE' });
});

test('controller: that it looks through its database first is said before it does', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  const said: string[] = [];
  const log = pino({}, { write: (line: string) => void said.push((JSON.parse(line) as { readonly msg: string }).msg) });
  const config = { nats: [server.url], db: folder.file(), rootSubject: 'shunt.v1' };
  await using _controller = await startController(config, log, () => t.fail());
  t.deepEqual(said, ['controller: looking through its database', 'bus: connected', 'controller: serving']);
});

/** Whether somebody has the lock of a database to write. */
function isWriting(path: string): boolean {
  const database = new BetterSqlite3(path, { timeout: 0 });
  try {
    database.exec('begin immediate');
    database.exec('rollback');
    return false;
  } catch (error) {
    if (error instanceof BetterSqlite3.SqliteError && error.code === 'SQLITE_BUSY') return true;
    throw error;
  } finally {
    database.close();
  }
}
