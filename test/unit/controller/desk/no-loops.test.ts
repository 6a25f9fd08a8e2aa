import test from 'ava';
import { AMPLE_BYTES, apply, Folder, openStore, type Store, spec, status } from '../fleet.ts';

/** Two hosts that say which addresses their interfaces have. */
async function open(folder: Folder): Promise<Store> {
  const store = await openStore(folder.file());
  const reports = ['b', 'c'].map((host, at) => {
    const eth0 = { name: 'eth0', zone: 1, ifindex: 2, mode: 'native', up: true, attached: true } as const;
    const interfaces = [{ ...eth0, addresses: [`10.0.0.${at + 1}`] }];
    return { status: status(host, { interfaces, epoch: '', stored: 0 }), seenAtMs: 5 };
  });
  await store.roster.report(reports);
  return store;
}

const to = (host: string, nexthop: string) => ({ hosts: [host], to: { nexthop } });

test('apply: what would send packets round is refused, and a plan of it says how', async (t) => {
  using folder = new Folder();
  await using store = await open(folder);
  await apply(store, spec('on-c', 1, to('c', '10.0.0.1')));
  const { rev } = await store.logs.movedAfter(0);
  const asked = { v: 1, upload: 'u', part: 0, parts: 1, specs: [spec('on-b', 1, to('b', '10.0.0.2'))] } as const;
  const packet = 'v4 udp 0.0.0.0/32:65000 > 10.0.0.1/32:443';
  t.deepEqual((await store.desk.plan(asked, AMPLE_BYTES)).loops, [
    { name: 'on-b', packet, hosts: ['b', 'c'], names: ['on-b', 'on-c'] },
  ]);
  const refused = await t.throwsAsync(store.desk.apply(asked));
  t.like(refused, {
    code: 'REDIRECT_LOOP',
    message: `packets would go round: ${packet} from b by on-b, to c by on-c, and back to b; nothing was changed`,
  });
  t.is((await store.logs.movedAfter(0)).rev, rev);
  t.is((await store.desk.get({ v: 1, name: 'on-b' }, AMPLE_BYTES)).items.length, 0);
});

test('apply: the same goes where one of both ends, and what goes round may always be taken out', async (t) => {
  using folder = new Folder();
  await using store = await open(folder);
  await apply(store, spec('on-c', 1, to('c', '10.0.0.1')));
  t.like(await apply(store, spec('on-b', 1, to('b', '10.0.0.9'))), { created: 1 });
  const both = [spec('on-c', 1, { hosts: ['c'], to: 'pass' }), spec('on-b', 1, to('b', '10.0.0.2'))];
  t.like(await apply(store, ...both), { changed: 2 });
  const round = [spec('x-b', 3, to('b', '10.0.0.2')), spec('x-c', 3, to('c', '10.0.0.1'))];
  const { loops } = await store.desk.plan({ v: 1, upload: 'p', part: 0, parts: 1, specs: round }, AMPLE_BYTES);
  t.is(loops?.length, 1, 'one round, wherever it is entered');
  await t.throwsAsync(apply(store, spec('on-c', 1, to('c', '10.0.0.1'))), { message: /^packets would go round/ });
  t.like(await store.desk.delete(['on-b', 'on-c']), { deleted: ['on-b', 'on-c'] });
});
