import test from 'ava';
import { pino } from 'pino';
import type { Bus } from '../../../../controller/ports.ts';
import { ApiService } from '../../../../controller/serve/api-service.ts';
import { Refusals } from '../../../../controller/serve/refusals.ts';
import { SyncService } from '../../../../controller/serve/sync-service.ts';
import { Traffic } from '../../../../controller/serve/traffic.ts';
import { makeSystemClock } from '../../../../daemon/clock.ts';
import {
  type ApiError,
  type ApiVerb,
  encodeApplyRequest,
  isApiError,
  parseApplyReply,
} from '../../../../protocol/api.ts';
import { encodeDeleteRequest, parseDeleteReply } from '../../../../protocol/delete.ts';
import type { HostItem } from '../../../../protocol/listings.ts';
import {
  encodeGetRequest,
  encodeHostsRequest,
  type GetItem,
  type GetReply,
  type HostsReply,
  parseGetReply,
  parseHostsReply,
  type Rest,
} from '../../../../protocol/listings.ts';
import { encodeSyncRequest, type Page, parsePageReply } from '../../../../protocol/page.ts';
import { encodePlanRequest, type PlanReply, parsePlanReply } from '../../../../protocol/plan.ts';
import { encodePlanPageRequest, parsePlanPage } from '../../../../protocol/plan-page.ts';
import { makeSubjects } from '../../../../protocol/subjects.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { NO_COUNTING } from '../../../fakes/no-counting.ts';
import { AMPLE_BYTES, Folder, openStore, Replica, type Store, spec, status } from '../fleet.ts';

const subjects = makeSubjects();
const log = pino({ level: 'silent' });
/** From the least that will do to what a server takes without being told. */
const SIZES = [4096, 16_384, 1_048_576];
const HOSTS = 520;
const SPECS = 5;
const long = (name: string, length: number): string => name.padEnd(length, 'x');
const FLEET = Array.from({ length: HOSTS }, (_, at) => long(`edge-${String(at).padStart(4, '0')}`, 63));

/** A large fleet with redirects whose names and hosts are as long as they may be. */
async function fill(store: Store): Promise<void> {
  await store.roster.report(FLEET.map((host) => ({ status: status(host, { epoch: '', stored: 0 }), seenAtMs: 5 })));
  const hosts = (at: number) => (at % 2 === 0 ? 'all' : FLEET);
  const specs = Array.from({ length: SPECS - 1 }, (_, at) => spec(long(`r${at}`, 63), at, { hosts: hosts(at) }));
  const loses = spec(long('zz-loses', 63), 0, { hosts: 'all', idle: { after: '1m' } });
  await store.desk.apply({ v: 1, upload: 'u', part: 0, parts: 1, specs: [...specs, loses] });
}

/** The services on a bus that takes no more than so much, and an operator and hosts who ask them. */
class Asking {
  readonly sizes: number[] = [];
  readonly #api: ApiService;
  readonly #sync: SyncService;
  #last: Uint8Array = new Uint8Array();

  constructor(store: Store, maxPayloadBytes: number) {
    const bus: Pick<Bus, 'publish' | 'maxPayloadBytes'> = {
      maxPayloadBytes,
      publish: (_subject, data) => {
        this.sizes.push(data.length);
        this.#last = data;
      },
    };
    const refusals = new Refusals(log, new ManualClock());
    this.#api = new ApiService({
      desk: store.desk,
      rollouts: store.rollouts(NO_COUNTING),
      traffic: new Traffic(new ManualClock()),
      bus,
      subjects,
      clock: new ManualClock(),
      log,
      onChange: () => {},
    });
    this.#sync = new SyncService({ logs: store.logs, bus, subjects, refusals, clock: makeSystemClock(), log });
  }

  async api<T extends object>(verb: ApiVerb, data: Uint8Array, parse: (data: Uint8Array) => T | ApiError): Promise<T> {
    await this.#api.receive({ subject: subjects.api(verb), replyTo: '_INBOX.x', data });
    const reply = parse(this.#last);
    if (isApiError(reply)) throw Object.assign(new Error(reply.error.message), reply.error);
    return reply;
  }

  async page(host: string, request: Parameters<typeof encodeSyncRequest>[0]): Promise<Page> {
    const replyTo = `${subjects.inbox(host)}.1`;
    await this.#sync.receive({ subject: subjects.sync(host), replyTo, data: encodeSyncRequest(request) });
    return parsePageReply(this.#last, host) as Page;
  }

  async hosts(): Promise<readonly HostItem[]> {
    const items: HostItem[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const request = encodeHostsRequest({ v: 1, limit: 1000, ...(after !== undefined && { after }) });
      const reply: HostsReply = await this.api('hosts', request, parseHostsReply);
      items.push(...reply.items);
      after = reply.next;
    }
    return items;
  }

  async get(): Promise<readonly GetItem[]> {
    const items: GetItem[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const request = encodeGetRequest({ v: 1, ...(after !== undefined && { after }) });
      const reply: GetReply = await this.api('get', request, parseGetReply);
      items.push(...reply.items);
      after = reply.next;
    }
    return items;
  }

  /** All that `rest` leads to. */
  async whole(item: GetItem): Promise<{ hosts: string[]; shadowed: number; notSent: number; selector: string[] }> {
    const whole = { hosts: [] as string[], shadowed: 0, notSent: 0, selector: [] as string[] };
    let next: GetItem | undefined = item;
    while (next !== undefined) {
      whole.hosts.push(...next.hosts);
      whole.selector.push(...(next.selector ?? []));
      whole.shadowed += next.shadowed.length;
      whole.notSent += next.notSent?.length ?? 0;
      const rest: Rest | undefined = next.rest;
      if (rest === undefined) return whole;
      const request = encodeGetRequest({ v: 1, name: String(item.spec.name), rest });
      const reply: GetReply = await this.api('get', request, parseGetReply);
      next = reply.items[0];
    }
    return whole;
  }
}

const opened = (async () => {
  const folder = new Folder();
  const store = await openStore(folder.file());
  await fill(store);
  return { folder, store };
})();

test.after.always(async () => {
  const { folder, store } = await opened;
  await store[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

for (const size of SIZES) {
  test(`small bus: at ${size} bytes a fleet is listed whole`, async (t) => {
    const asking = new Asking((await opened).store, size);
    const items = await asking.hosts();
    t.deepEqual(
      items.map(({ host }) => host),
      FLEET,
    );
    t.true(Math.max(...asking.sizes) <= size);
  });

  test(`small bus: at ${size} bytes every redirect is listed, and by its rest every host of it`, async (t) => {
    const asking = new Asking((await opened).store, size);
    const items = await asking.get();
    t.is(items.length, SPECS);
    for (const at of [0, 1, SPECS - 1]) {
      const item = items[at] as GetItem;
      const { hosts, shadowed, notSent, selector } = await asking.whole(item);
      t.is(shadowed, item.shadowedTotal);
      t.is(notSent, item.notSentTotal ?? 0);
      t.deepEqual(hosts, item.hostsTotal === 0 ? [] : FLEET);
      const { hosts: named } = item.spec;
      if (Array.isArray(named)) t.deepEqual([...named, ...selector], FLEET);
    }
    t.true(Math.max(...asking.sizes) <= size);
  });

  test(`small bus: at ${size} bytes a plan says all, on as many pages as it takes`, async (t) => {
    const asking = new Asking((await opened).store, size);
    const specs = Array.from({ length: 6 }, (_, at) => spec(`new-${at}`, at, { hosts: 'all', priority: 9 }));
    const asked = encodePlanRequest({ v: 1, upload: 'u', part: 0, parts: 1, specs, delete: ['nobody'] });
    const reply = (await asking.api('plan', asked, parsePlanReply)) as PlanReply;
    t.like(reply, { created: 6, changesTotal: 6 * HOSTS, hostsTotal: HOSTS, absentTotal: 1 });
    const hosts = new Set(reply.hosts.map(({ host }) => host));
    let changes = reply.changes.reduce((sum, { hostsTotal }) => sum + hostsTotal, 0);
    const { pages = 0 } = reply;
    for (let page = 0; page < pages; page += 1) {
      const next = await asking.api(
        'plan-page',
        encodePlanPageRequest({ v: 1, upload: 'u', page, pages }),
        parsePlanPage,
      );
      for (const { host } of next.hosts ?? []) hosts.add(host);
      for (const { hostsTotal } of next.changes ?? []) changes += hostsTotal;
    }
    t.deepEqual([hosts.size, changes], [HOSTS, 6 * HOSTS]);
    t.true(Math.max(...asking.sizes) <= size);
    if (pages === 0) return;
    const gone = asking.api('plan-page', encodePlanPageRequest({ v: 1, upload: 'u', page: 0, pages }), parsePlanPage);
    await t.throwsAsync(gone, { code: 'UPLOAD_LOST' });
  });

  test(`small bus: at ${size} bytes a host is told all of its log`, async (t) => {
    const asking = new Asking((await opened).store, size);
    const [host = ''] = FLEET;
    const replica = new Replica(host);
    await replica.sync({ page: (request) => asking.page(host, request) }, AMPLE_BYTES);
    t.is(replica.intents.size, SPECS - 1);
    t.is(replica.digest, replica.head.digest);
    t.true(Math.max(...asking.sizes) <= size);
  });

  test(`small bus: at ${size} bytes what is wrong with an upload is named as far as there is room`, async (t) => {
    const asking = new Asking((await opened).store, size);
    const specs = Array.from({ length: 60 }, (_, at) => ({ name: `r${at}`, ['"'.repeat(200)]: 1 }));
    const asked = encodeApplyRequest({ v: 1, upload: 'u', part: 0, parts: 1, specs });
    const refused = await t.throwsAsync(asking.api('apply', asked, parseApplyReply));
    t.like(refused, { code: 'BAD_REQUEST' });
    t.true((refused as unknown as ApiError['error']).problems?.length !== 0);
    t.true(Math.max(...asking.sizes) <= size);
  });

  test(`small bus: at ${size} bytes names that could not be told are not deleted`, async (t) => {
    using folder = new Folder();
    await using store = await openStore(folder.file());
    const asking = new Asking(store, size);
    const names = Array.from({ length: Math.ceil(Math.min(size, 524_288) / 66) }, (_, at) => long(`r${at}`, 63));
    await store.desk.apply({ v: 1, upload: 'u', part: 0, parts: 1, specs: [spec(names[0] ?? '', 1)] });
    const refused = await t.throwsAsync(
      asking.api('delete', Buffer.from(JSON.stringify({ v: 1, names })).subarray(), parseDeleteReply),
    );
    t.like(refused, { code: 'TOO_LARGE' });
    t.is((await store.desk.get({ v: 1 }, AMPLE_BYTES)).items.length, 1);
    const some = encodeDeleteRequest({ v: 1, names: names.slice(0, Math.floor(names.length / 2)) });
    t.is((await asking.api('delete', some, parseDeleteReply)).deleted.length, 1);
    t.true(Math.max(...asking.sizes) <= size);
  });
}
