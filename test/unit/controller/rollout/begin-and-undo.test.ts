import test from 'ava';
import { ALLOWED, spec } from '../fleet.ts';
import { Stage } from './stage.ts';

const DROP = { hosts: 'all', to: 'drop' };
const PASS = { hosts: 'all', to: 'pass' };

test('rollout: what it holds nobody else changes, and everything else goes on as ever', async (t) => {
  await using stage = await Stage.open(3);
  await stage.apply(spec('web', 1, PASS), spec('dns', 2, PASS), spec('old', 5, PASS));
  await stage.start('r', [spec('web', 3, DROP), spec('new', 4, DROP)], { delete: ['old'] });
  const held = { code: 'ROLLOUT_ACTIVE', message: /rollout r,/ };
  await t.throwsAsync(stage.apply(spec('web', 9, DROP)), held, 'a name of it');
  await t.throwsAsync(stage.apply(spec('x', 1, DROP)), held, 'the match that one of it has before');
  await t.throwsAsync(stage.apply(spec('x', 3, DROP)), held, 'the match that it will have');
  for (const name of ['web', 'new', 'old']) await t.throwsAsync(stage.ports.desk.delete([name]), held, name);
  await t.throwsAsync(stage.start('q', [spec('web', 9, DROP)]), held);
  await t.throwsAsync(stage.start('q', [spec('y', 4, DROP)]), held);
  await t.notThrowsAsync(stage.apply(spec('web', 1, PASS)), 'what is so already');
  await t.notThrowsAsync(stage.apply(spec('dns', 2, DROP)));
  await stage.rollouts.abort({ v: 1, id: 'r' });
  await stage.settle();
  await t.notThrowsAsync(stage.apply(spec('web', 9, DROP)));
});

test('rollout: one that is done is undone from what was kept, unless its redirects moved since', async (t) => {
  await using stage = await Stage.open(3);
  await stage.apply(spec('web', 1, PASS), spec('old', 2, PASS));
  await stage.speak();
  const before = stage.holds;
  await stage.start('r', [spec('web', 1, DROP), spec('new', 3, DROP)], { delete: ['old'], now: true });
  await stage.until('r', 'DONE', 60_000);
  await stage.speak();
  t.notDeepEqual(stage.holds, before);
  await stage.apply(spec('new', 3, PASS));
  await t.throwsAsync(stage.rollouts.rollback({ v: 1, id: 'r' }), { code: 'CHANGED_SINCE', message: /new/ });
  const reply = await stage.rollouts.rollback({ v: 1, id: 'r', force: true });
  t.deepEqual(reply.overwritten, ['new']);
  t.like(reply.rollout, { state: 'DONE', of: 'r' });
  await stage.speak();
  t.deepEqual(stage.holds, before);
  t.is((await stage.rollouts.rollback({ v: 1, id: 'r' })).already, true);
});

test('rollout: what would go wrong is refused before it begins', async (t) => {
  await using stage = await Stage.open(3);
  await stage.apply(spec('wide', 1, { ...PASS, match: { dst: '10.9.0.0/16' } }), spec('web', 2, PASS));
  const start = (specs: readonly object[], more = {}) =>
    stage.start('r', specs, { allowShrink: undefined, allowGrowth: undefined, reason: undefined, ...more } as never);
  await t.throwsAsync(start([]), { code: 'BAD_REQUEST', message: /empty never means all/ });
  await t.throwsAsync(start([{ ...spec('narrow', 3, DROP), match: { dst: '10.9.1.0/24' } }]), {
    code: 'COLLATERAL',
    message: /wide/,
  });
  await t.throwsAsync(start([spec('x', 4, { ...DROP, hosts: { role: 'none' } })]), { code: 'NO_HOSTS' });
  await t.throwsAsync(start([spec('web', 2, DROP)], { soakMs: 10 }), { code: 'BAD_REQUEST', message: /soak/ });
  await t.throwsAsync(start([spec('web', 2, DROP)], { basis: '0'.repeat(32) }), { code: 'PLAN_STALE' });
  await stage.apply(...Array.from({ length: 10 }, (_, at) => spec(`n${at}`, 100 + at, PASS)));
  const names = Array.from({ length: 10 }, (_, at) => `n${at}`);
  await t.throwsAsync(start([], { delete: names }), { code: 'SHRINKS_TOO_MUCH' });
  const dry = await start([spec('web', 2, DROP)], { dryRun: true });
  t.is(dry.rollout, undefined);
  t.is((await start([spec('web', 2, PASS)])).rollout, undefined, 'nothing is otherwise');
  t.is((await start([spec('web', 2, DROP)])).rollout?.id, 'r');
  t.like(await start([spec('web', 2, DROP)]), { already: true, rollout: { id: 'r' } });
  await stage.rollouts.abort({ v: 1, id: 'r' });
  await stage.settle();
  await t.throwsAsync(stage.start('q', [spec('web', 2, DROP)]), { code: 'JUST_ROLLED_BACK', message: /rollout r/ });
  t.is((await stage.start('q', [spec('web', 2, DROP)], { again: true })).rollout?.id, 'q');
  const { items } = await stage.rollouts.list({ v: 1 }, 100_000);
  t.deepEqual(
    items.map(({ id, state }) => [id, state]),
    [
      ['q', 'RUNNING'],
      ['r', 'ROLLED_BACK'],
    ],
  );
});

test('rollout: redirects come into its set when it is done, and are where they were when it is undone', async (t) => {
  await using stage = await Stage.open(2);
  const upload = { v: 1, part: 0, parts: 1, ...ALLOWED } as const;
  await stage.ports.desk.apply({
    ...upload,
    upload: 'a',
    set: 'one',
    specs: [spec('old', 1, PASS), spec('web', 2, PASS)],
  });
  await stage.apply(spec('dns', 3, PASS));
  await stage.speak();
  const sets = async () => {
    const { items } = await stage.ports.desk.names({ v: 1 }, 100_000);
    return items.map((item) => `${item.name}@${item.set ?? ''}`);
  };
  const before = await sets();
  const specs = [spec('web', 2, DROP), spec('dns', 3, DROP), spec('new', 4, DROP)];
  await stage.start('r', specs, { set: 'two', delete: ['old'], now: true });
  t.deepEqual(await sets(), before, 'not before');
  await stage.until('r', 'DONE', 60_000);
  t.deepEqual(await sets(), ['dns@two', 'new@two', 'web@two']);
  await stage.rollouts.rollback({ v: 1, id: 'r' });
  t.deepEqual(await sets(), before);
});
