/** Hosts that are put off, left out, or on which nothing can be confirmed. */
import test from 'ava';
import { spec } from '../fleet.ts';
import { type MadeUpHost, Stage } from './stage.ts';

const DROP = { hosts: 'all', to: 'drop' };
const PASS = { hosts: 'all', to: 'pass' };

/** A host says that it took back what it holds of a redirect. */
function reverts(host: MadeUpHost, of = 'web'): void {
  const put = [...host.replica.intents.values()].find(({ name }) => name === of);
  if (put === undefined) throw new Error(`${host.name} holds no ${of}`);
  const exception = { key: put.key, name: of, rev: put.rev, state: 'denied', code: 'REVERTED' } as const;
  host.says = { exceptions: [exception], exceptionsTotal: 1 };
}

test('rollout: a host that took the redirect back before takes this change back as well, and that ends it', async (t) => {
  await using stage = await Stage.open(3);
  await stage.apply(spec('web', 1, PASS));
  await stage.speak();
  for (const host of stage.hosts) reverts(host);
  await stage.speak();
  await stage.start('r', [spec('web', 1, DROP)]);
  await stage.pass(6000);
  const host = stage.hosts.find(({ holds }) => holds.web === 'drop');
  if (host === undefined) return t.fail('nobody has it');
  reverts(host);
  await stage.pass(6000);
  const { rollout } = await stage.status('r');
  t.is(rollout.state, 'ROLLED_BACK');
  t.like(rollout.cause, { code: 'REVERTED', host: host.name });
});

test('rollout: where nothing can be confirmed, for something else waits or was taken back, the host is put off', async (t) => {
  await using stage = await Stage.open(4);
  await stage.apply(spec('old', 1, PASS), spec('late', 2, PASS));
  await stage.speak();
  const [back, waits, well, also] = stage.hosts;
  if (back === undefined || waits === undefined || well === undefined || also === undefined) return t.fail();
  reverts(back, 'old');
  const late = [...waits.replica.intents.values()].find(({ name }) => name === 'late');
  if (late === undefined) return t.fail();
  const exception = { key: late.key, name: 'late', rev: late.rev, state: 'blocked', code: 'NO_ROUTE' } as const;
  waits.says = { exceptions: [exception], exceptionsTotal: 1, unarmed: late.rev };
  await stage.speak();
  const { late: away } = await stage.start('r', [spec('web', 3, DROP)], { waves: ['100%'], soakMs: 30_000 });
  t.deepEqual(away?.toSorted(), ['edge-1', 'edge-2']);
  await stage.pass(50_000);
  const { deferred, holdUps, rollout } = await stage.status('r');
  t.is(rollout.published, 2);
  t.deepEqual(deferred?.toSorted(), ['edge-1', 'edge-2']);
  t.deepEqual(holdUps.map(({ host, is, code }) => `${host} ${is} ${code}`).toSorted(), [
    'edge-1 denied REVERTED',
    'edge-2 blocked NO_ROUTE',
  ]);
  back.says = {};
  waits.says = {};
  const done = await stage.until('r', 'PAUSED');
  t.is(done.rollout.cause?.code, 'NO_HOSTS');
  await stage.speak();
  await stage.rollouts.resume({ v: 1, id: 'r', version: done.rollout.version });
  t.is((await stage.until('r', 'DONE')).rollout.published, 4);
});

test('rollout: a wave of which nobody is left has another host, and without any there is no rollout', async (t) => {
  await using stage = await Stage.open(3);
  const { waves } = await stage.start('r', [spec('web', 1, DROP)], { waves: ['1', '100%'], soakMs: 30_000 });
  const first = waves[0]?.hosts[0] ?? '';
  await stage.pass(10_000);
  t.true(stage.host(first).holds.web === 'drop');
  await stage.rollouts.exclude({ v: 1, id: 'r', hosts: [first], reason: 'it is broken' });
  await stage.pass(10_000);
  const { rollout } = await stage.status('r');
  t.like(rollout, { state: 'RUNNING', wave: 1, published: 1 });
  const others = stage.hosts.map(({ name }) => name);
  const all = stage.rollouts.exclude({ v: 1, id: 'r', hosts: others, reason: 'all of them' });
  await t.throwsAsync(all, { code: 'NO_HOSTS' });
  await stage.until('r', 'DONE');
});

test('rollout: where all that have it are silent and no other is heard nobody knows, however many may be silent', async (t) => {
  await using stage = await Stage.open(4);
  await stage.start('r', [spec('web', 1, DROP)], { waves: ['2', '100%'], maxUnreachable: '100%' });
  await stage.pass(20_000);
  for (const host of stage.hosts) host.silent = true;
  await stage.pass(90_000);
  t.like((await stage.status('r')).rollout, { state: 'PAUSED', published: 2, cause: { code: 'TELEMETRY' } });
  for (const host of stage.hosts) host.silent = false;
  t.is((await stage.until('r', 'DONE')).rollout.published, 4);
});
