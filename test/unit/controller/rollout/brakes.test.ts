/** A rollout that goes back permits what it does; what else a host's brake withholds, it does not let go. */
import test from 'ava';
import type { Exception } from '../../../../protocol/status.ts';
import { spec } from '../fleet.ts';
import { DROP, PASS, reachFirst } from './first-wave.ts';
import { type MadeUpHost, Stage } from './stage.ts';

/** The brake of a host withholds its changes of these redirects, and of some that it does not list. */
function withholds(host: MadeUpHost, names: readonly string[], unlisted = 0): void {
  const puts = [...host.replica.intents.values()].filter(({ name }) => names.includes(name));
  const exceptions = puts.map(({ key, name, rev }): Exception => ({ key, name, rev, state: 'denied', code: 'BRAKE' }));
  const withheld = exceptions.length + unlisted;
  host.says = { exceptions, exceptionsTotal: withheld, brake: { since: 1, withheld, from: 1 } };
}

function permitOf({ database }: Stage, { name }: MadeUpHost): number {
  const [row] = database.rows('select permit from marks where host = ?', name) as { readonly permit: number }[];
  return row?.permit ?? 0;
}

for (const [what, names, unlisted, isPermitted] of [
  ['nothing', [], 0, true],
  ['its own redirect', ['web'], 0, true],
  ['another one', ['other'], 0, false],
  ['its own and another one', ['web', 'other'], 0, false],
  ['its own and some that it does not list', ['web'], 2, false],
] as const)
  test(`rollout: where a brake withholds ${what}, going back ${isPermitted ? 'is permitted' : 'permits nothing'}`, async (t) => {
    await using stage = await Stage.open(2);
    const host = await reachFirst(stage);
    t.is(host.holds.web, 'drop');
    if (names.length > 0) withholds(host, names, unlisted);
    await stage.speak();
    const before = permitOf(stage, host);
    await stage.rollouts.abort({ v: 1, id: 'r' });
    await stage.settle();
    t.is((await stage.status('r')).rollout.state, 'ROLLED_BACK');
    t.is(permitOf(stage, host) > before, isPermitted);
  });

test('rollout: a host whose brake withholds that it goes back may have it still, and is named', async (t) => {
  await using stage = await Stage.open(2);
  const host = await reachFirst(stage);
  withholds(host, ['other']);
  await stage.speak();
  await stage.rollouts.abort({ v: 1, id: 'r' });
  await stage.settle();
  await stage.speak();
  withholds(host, ['web', 'other']);
  await stage.speak();
  t.deepEqual((await stage.status('r')).outstanding, [host.name]);
  host.says = {};
  await stage.speak();
  t.is((await stage.status('r')).outstanding, undefined);
});

test('rollout: a host whose brake holds is put off, whatever it withholds: what is changed there would be withheld as well', async (t) => {
  await using stage = await Stage.open(3);
  await stage.apply(spec('web', 1, PASS), spec('other', 2, PASS));
  await stage.speak();
  const [holds] = stage.hosts;
  if (holds === undefined) return t.fail();
  withholds(holds, ['other']);
  await stage.speak();
  const before = permitOf(stage, holds);
  const { late } = await stage.start('r', [spec('web', 1, DROP)], {
    waves: ['100%'],
    soakMs: 30_000,
    allowShrink: true,
  });
  t.deepEqual(late, [holds.name]);
  await stage.pass(60_000);
  const { deferred, holdUps, rollout } = await stage.until('r', 'PAUSED');
  t.is(rollout.cause?.code, 'NO_HOSTS');
  t.deepEqual(deferred, [holds.name]);
  t.like(holdUps[0], { host: holds.name, is: 'denied', code: 'BRAKE' });
  t.is(permitOf(stage, holds), before);
  t.is(rollout.published, 2);
});
