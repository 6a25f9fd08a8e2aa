import test from 'ava';
import type { Counted } from '../../../../controller/model/counted.ts';
import type { Counting, Watched } from '../../../../controller/ports.ts';
import { PACE } from '../../../../controller/rollout/pace.ts';
import type { Exception } from '../../../../protocol/status.ts';
import { spec } from '../fleet.ts';
import { Stage } from './stage.ts';

const DROP = { hosts: 'all', to: 'drop' };
const PASS = { hosts: 'all', to: 'pass' };

/** Keeps who is to be asked, and tells for all hosts the same. */
class Asked implements Counting {
  readonly watched = new Map<string, readonly Watched[]>();
  counted: Counted = { answeredMsAgo: 0, hits: 7, undone: 0, windows: null };

  get rollouts(): Iterable<string> {
    return this.watched.keys();
  }

  watch(rollout: string, hosts: readonly Watched[]): void {
    this.watched.set(rollout, hosts);
  }

  forget(rollout: string): void {
    this.watched.delete(rollout);
  }

  of(): Counted {
    return this.counted;
  }

  /** For how many redirects each host is asked, and from which rev on they count. */
  get told(): readonly string[] {
    const hosts = this.watched.get('r') ?? [];
    return hosts.map(({ host, keys }) => `${host} ${keys.size} from ${[...new Set(keys.values())].join()}`).sort();
  }
}

test('rollout counts: hosts are asked for what they hold of it, as of the rollout where they were reached', async (t) => {
  await using stage = await Stage.open(3);
  await stage.apply(spec('web', 1, PASS), spec('dns', 2, PASS), spec('old', 5, PASS));
  await stage.speak();
  const asked = new Asked();
  const rollouts = stage.ports.rollouts(asked, PACE);
  const specs = [spec('web', 1, DROP), spec('new', 4, DROP)];
  await stage.start('r', specs, { delete: ['old'], soakMs: 30_000, waves: ['1', '2', '3'] });
  while (await rollouts.advance()); // until wave 1 is told
  await rollouts.advance();
  const lines = asked.told.map((line) => line.replace(/^edge-\d /, '')).sort();
  t.deepEqual(
    lines.map((line) => line.replace(/[1-9]\d*$/, 'its rev')),
    [
      '2 from 0', // web and old, of one that was not reached
      '2 from its rev', // web and new, of the one that was
    ],
  );
  await stage.rollouts.abort({ v: 1, id: 'r' });
  await stage.settle();
  await rollouts.advance();
  t.deepEqual([...asked.rollouts], [], 'and nobody once it has ended');
});

test('rollout counts: who holds nothing of it is asked all the same', async (t) => {
  await using stage = await Stage.open(2);
  const asked = new Asked();
  const rollouts = stage.ports.rollouts(asked, PACE);
  await stage.start('r', [spec('new', 4, DROP), spec('more', 6, DROP)], { soakMs: 30_000 });
  while (await rollouts.advance());
  await rollouts.advance();
  t.deepEqual(asked.told.map((line) => line.replace(/^edge-\d /, '').replace(/[1-9]\d*$/, 'rev')).sort(), [
    '1 from 0',
    '2 from rev',
  ]);
});

test('rollout counts: exceptions that are not listed may be ours, unless each redirect was told of', async (t) => {
  await using stage = await Stage.open(2);
  const asked = new Asked();
  const rollouts = stage.ports.rollouts(asked, PACE);
  const other: Exception = {
    key: 'v4 any 192.0.2.99/32:* > 0.0.0.0/0:*',
    name: 'x',
    rev: 1,
    state: 'blocked',
    code: 'NO_ROUTE',
  };
  for (const host of stage.hosts) host.says = { exceptions: [other], exceptionsTotal: 2 };
  await stage.speak();
  await stage.start('r', [spec('new', 4, DROP)], { soakMs: 30_000 });
  while (await rollouts.advance());
  await stage.speak();
  const exceptions = async () => {
    const { gates } = await rollouts.status({ v: 1, id: 'r' }, 100_000);
    return gates.find(({ gate }) => gate === 'exceptions<=0');
  };
  t.like(await exceptions(), { verdict: 'PASS' });
  for (const undone of [1, null]) {
    asked.counted = { ...asked.counted, undone };
    t.like(await exceptions(), { verdict: 'INCONCLUSIVE', code: 'INCONCLUSIVE' });
  }
});

test('rollout: what a gate said is told with its numbers, when it lets a wave by and when it stops one', async (t) => {
  await using stage = await Stage.open(3);
  await stage.start('r', [spec('new', 4, DROP)], { soakMs: 30_000, waves: ['1', '2', '3'], gates: ['external'] });
  await stage.pass(5_000);
  await stage.rollouts.verdict({ v: 1, id: 'r', verdict: 'pass', reason: 'A is answered' }, { actor: 'ci' });
  await stage.pass(60_000);
  const soaked = (await stage.status('r')).evidence.find(({ what }) => what === 'soaked');
  t.is(soaked?.verdict, 'PASS');
  t.regex(
    soaked?.message ?? '',
    /^wave 1: soaked; verified>=100%: 1 of 1 hosts.*hits>=1: 1000 packets.*external: ci: A is answered/,
  );
  const exception: Exception = {
    key: 'v4 any 192.0.2.4/32:* > 0.0.0.0/0:*',
    name: 'new',
    rev: 1,
    state: 'denied',
    code: 'BRAKE',
  };
  const [second] = stage.hosts.filter(({ holds }) => holds.new === 'drop');
  const key = [...(second?.replica.intents.keys() ?? [])][0] ?? exception.key;
  if (second !== undefined) second.says = { exceptions: [{ ...exception, key }], exceptionsTotal: 1 };
  await stage.pass(5_000);
  const { rollout, evidence } = await stage.until('r', 'ROLLED_BACK');
  t.like(rollout.cause, {
    code: 'GATE_FAILED',
    gate: 'exceptions<=0',
    host: second?.name,
    name: 'new',
    wave: { count: 1 },
  });
  const failed = evidence.find(({ what }) => what === 'failed');
  t.like(failed, { verdict: 'FAIL', gate: 'exceptions<=0', host: second?.name });
});
