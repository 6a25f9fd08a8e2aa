import test from 'ava';
import { connect, createInbox } from 'nats';
import { pino } from 'pino';
import { startController } from '../../controller/main.ts';
import { encodeApplyRequest, parseApplyReply } from '../../protocol/api.ts';
import { NO_CURSOR } from '../../protocol/cursor.ts';
import { encodeSyncRequest, isSyncError, type Page, parsePageReply, type SyncRequest } from '../../protocol/page.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { startNats } from '../support/nats.ts';
import { ALLOWED, Folder, Replica, spec } from '../unit/controller/fleet.ts';

const SPECS = 100_000;
const PART = 2000;
/** Far above what it takes, far below what a row a commit would: that is minutes. */
const LIMIT_MS = 300_000;

test('controller: 100,000 redirects for one host take seconds, and other hosts are served meanwhile', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  const config = { nats: [server.url], db: folder.file(), rootSubject: 'shunt.v1' };
  await using _controller = await startController(config, pino({ level: 'silent' }), (error) => {
    throw error;
  });
  const nats = await connect({ servers: server.url });
  const subjects = makeSubjects();

  const page = async (request: SyncRequest): Promise<Page> => {
    const inbox = createInbox(subjects.inbox(request.host));
    const replies = nats.subscribe(inbox, { max: 1, timeout: LIMIT_MS });
    nats.publish(subjects.sync(request.host), encodeSyncRequest(request), { reply: inbox });
    for await (const { data } of replies) {
      const reply = parsePageReply(data, request.host);
      if (!isSyncError(reply)) return reply;
    }
    throw new Error('no page came');
  };

  const parts = SPECS / PART;
  const startedMs = performance.now();
  let applying = true;
  const applied = (async () => {
    for (let part = 0; ; part += 1) {
      const specs = Array.from({ length: PART }, (_, index) => spec(`r${part * PART + index}`, part * PART + index));
      const data = encodeApplyRequest({ v: 1, upload: 'bulk', part, parts, specs, ...ALLOWED });
      const reply = parseApplyReply((await nats.request(subjects.api('apply'), data, { timeout: LIMIT_MS })).data);
      if (!('part' in reply)) return reply;
    }
  })().finally(() => {
    applying = false;
  });
  let slowestMs = 0;
  while (applying) {
    const askedMs = performance.now();
    await page({ v: 1, host: 'edge-2', have: NO_CURSOR, from: NO_CURSOR });
    slowestMs = Math.max(slowestMs, performance.now() - askedMs);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.like(await applied, { created: SPECS, hosts: 1, rev: SPECS });
  const appliedMs = performance.now();
  const replica = new Replica('edge-1');
  const pages = await replica.sync({ page });
  const syncedMs = performance.now();
  t.is(replica.intents.size, SPECS);
  t.is(replica.digest, replica.head.digest);
  t.log(
    `applied in ${Math.round(appliedMs - startedMs)} ms; slowest page for another host ${Math.round(slowestMs)} ms`,
  );
  t.log(
    `paged in ${Math.round(syncedMs - appliedMs)} ms, ${pages.length} pages; ${Math.round(process.memoryUsage.rss() / 1e6)} MB`,
  );
  await nats.close();
});
