import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { NO_COUNTING } from '../../../fakes/no-counting.ts';
import { ALLOWED, AMPLE_BYTES, apply, Folder, holds, openStore, type Store, spec, status } from '../fleet.ts';

/** A rollout that has reached the host; a statement then damages it while nobody has it open. */
async function damaged(path: string, sql: string): Promise<void> {
  {
    await using store = await openStore(path);
    const { problem: _, problems: __, unarmed: ___, brake: ____, ...well } = status('edge-1', { epoch: '', stored: 0 });
    const said = { ...well, interfaces: [], exceptions: [], exceptionsTotal: 0 };
    await store.roster.report([{ status: said, seenAtMs: Date.now() }]);
    await apply(store, spec('a', 1), spec('old', 2), spec('other', 9));
    const specs = [spec('a', 3, { to: 'drop' }), spec('new', 4)];
    const rollouts = store.rollouts(NO_COUNTING);
    await rollouts.start({ v: 1, upload: 'r', part: 0, parts: 1, specs, delete: ['old'], ...ALLOWED });
    while (await rollouts.advance());
  }
  const database = new BetterSqlite3(path);
  database.exec(sql);
  database.close();
}

async function standing(store: Store): Promise<readonly string[]> {
  const { intents, digest, head } = await holds(store, 'edge-1');
  if (digest !== head.digest) throw new Error('the log does not prove itself');
  return [...intents.values()].map(({ name, match }) => `${name} ${match.dst}`).sort();
}

const BEFORE = ['a 10.0.0.1/32', 'old 10.0.0.2/32', 'other 10.0.0.9/32'];
const THEN = ['a 10.0.0.3/32', 'new 10.0.0.4/32', 'other 10.0.0.9/32'];

const BROKEN: Readonly<Record<string, string>> = {
  'what a redirect is to be': `update rollout_specs set claim = replace(claim, 'udp', 'tcp') where name = 'a'`,
  'a redirect that is gone': `delete from rollout_specs where name = 'new'`,
  'how far a host is': `update rollout_hosts set rev = rev + 1`,
  'the rollout itself': `update rollouts set wave = 2`,
  'all of the rollout': 'delete from rollouts',
};

for (const [title, sql] of Object.entries(BROKEN))
  test(`damage: ${title} is not what was written, and the host has again what stood before`, async (t) => {
    using folder = new Folder();
    await damaged(folder.file(), sql);
    await using store = await openStore(folder.file());
    t.deepEqual(await standing(store), BEFORE);
    const { items } = await store.rollouts(NO_COUNTING).list({ v: 1 }, AMPLE_BYTES);
    t.true(items.every(({ state }) => state === 'ROLLED_BACK'));
    await t.notThrowsAsync(apply(store, spec('new', 3)), 'nothing is held any more');
  });

const MENDED: Readonly<Record<string, string>> = {
  nothing: 'select 1',
  'a name that is held by nobody': `delete from rollout_names where name = 'new'`,
  'a key that is held by another': `update rollout_keys set rollout = 'x'`,
};

for (const [title, sql] of Object.entries(MENDED))
  test(`damage: ${title} is put right, and the rollout is where it was`, async (t) => {
    using folder = new Folder();
    await damaged(folder.file(), sql);
    await using store = await openStore(folder.file());
    t.deepEqual(await standing(store), THEN);
    await t.throwsAsync(apply(store, spec('x', 3)), { code: 'ROLLOUT_ACTIVE' });
    await t.throwsAsync(store.desk.delete(['new']), { code: 'ROLLOUT_ACTIVE' });
    await t.throwsAsync(store.desk.plan({ v: 1, upload: 'p', part: 0, parts: 1, specs: [spec('a', 7)] }, AMPLE_BYTES), {
      code: 'ROLLOUT_ACTIVE',
    });
    await store.roster.reconcile(AbortSignal.any([]));
    t.deepEqual(await standing(store), THEN, 'looking after the logs knows of it');
  });

test('damage: while redirects are missing, nothing moves a rollout, and it says so', async (t) => {
  using folder = new Folder();
  const lose = "update specs set checksum = '' where name = 'other'; delete from specs where name = 'other'";
  await damaged(folder.file(), lose);
  await using store = await openStore(folder.file());
  const rollouts = store.rollouts(NO_COUNTING);
  t.is((await rollouts.status({ v: 1, id: 'r' }, AMPLE_BYTES)).waits?.for, 'repair');
  await rollouts.abort({ v: 1, id: 'r' });
  t.false(await rollouts.advance());
  t.deepEqual(await standing(store), THEN);
  await store.desk.delete(['other'], undefined, ALLOWED);
  while (await rollouts.advance());
  t.is((await rollouts.status({ v: 1, id: 'r' }, AMPLE_BYTES)).rollout.state, 'ROLLED_BACK');
  t.deepEqual(await standing(store), BEFORE.slice(0, 2));
});
