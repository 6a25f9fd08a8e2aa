/** What came later and waits to be confirmed may be taken back yet: then what the rollout brought is there again. */
import test from 'ava';
import type { Status } from '../../../../protocol/status.ts';
import { reachFirst } from './first-wave.ts';
import { Stage } from './stage.ts';

/** How a host says that its change of a redirect waits to be confirmed, and so many others that it does not list. */
function waits({ key, name, rev }: Waiting, unlisted = 0): Partial<Status> {
  return { unconfirmed: [{ name, key, rev, leftMs: 9000 }], unconfirmedTotal: 1 + unlisted };
}

type Waiting = Readonly<Record<'key' | 'name', string>> & { readonly rev: number };

for (const [what, says, isNamed] of [
  ['one of its redirects', (web: Waiting) => waits(web), true],
  ['another redirect', (_: Waiting, other: Waiting) => waits(other), false],
  ['another redirect, and some that it does not list', (_: Waiting, other: Waiting) => waits(other, 1), true],
  ['something that does not stand yet', ({ rev }: Waiting) => ({ unarmed: rev }), true],
] as const)
  test(`rollout: a host on which ${what} waits to be confirmed is ${isNamed ? '' : 'not '}named`, async (t) => {
    await using stage = await Stage.open(2);
    const host = await reachFirst(stage);
    t.is(host.holds.web, 'drop');
    await stage.rollouts.abort({ v: 1, id: 'r' });
    await stage.settle();
    await stage.speak();
    t.is((await stage.status('r')).outstanding, undefined);

    const [web, other] = ['web', 'other'].map((name) => {
      return [...host.replica.intents.values()].find((put) => put.name === name);
    });
    if (web === undefined || other === undefined) return t.fail();
    host.says = says(web, other);
    await stage.speak();
    const { outstanding, waits: waiting } = await stage.status('r');
    t.deepEqual(outstanding, isNamed ? [host.name] : undefined);
    t.is(waiting?.for, isNamed ? 'withdrawn' : undefined);
    host.says = {};
    await stage.speak();
    t.is((await stage.status('r')).outstanding, undefined);
  });
