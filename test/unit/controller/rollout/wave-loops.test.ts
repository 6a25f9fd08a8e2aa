/** Between two waves some hosts have a change, and others do what they did: packets must not go round between them. */
import test from 'ava';
import { spec } from '../fleet.ts';
import { Stage } from './stage.ts';

const eth0 = { name: 'eth0', zone: 1, ifindex: 2, mode: 'native', up: true, attached: true } as const;

/** Hosts that have the addresses 10.0.0.1 and on. */
async function open(hosts: number): Promise<Stage> {
  const stage = await Stage.open(hosts);
  for (const [at, host] of stage.hosts.entries())
    host.says = { interfaces: [{ ...eth0, addresses: [`10.0.0.${at + 1}`] }] };
  await stage.speak();
  return stage;
}

const to = (host: string, nexthop: string) => ({ hosts: [host], to: { nexthop } });

test('rollout: what would send packets round between two waves is refused before it begins, and goes in one', async (t) => {
  await using stage = await open(2);
  await stage.apply(spec('web', 1, to('edge-1', '10.0.0.2')));
  await stage.speak();
  const turned = [spec('web', 1, to('edge-2', '10.0.0.1'))];
  const orders = new Set<string>();
  for (let seed = 0; seed < 20; seed += 1) {
    const start = stage.start(`r${seed}`, turned, { waves: ['1', '100%'], dryRun: true });
    const outcome = await start.then(
      ({ waves }) => `goes, ${waves[0]?.hosts} first`,
      ({ message }) => message.replace(/: v4.*? from/, ': … from'),
    );
    orders.add(outcome);
  }
  t.deepEqual([...orders].sort(), [
    'after wave 1, packets would go round: … from edge-1 by web, to edge-2 by web, and back to edge-1; nothing was changed: first take out what stands, or have it in one wave',
    'goes, edge-1 first',
  ]);
  t.is((await stage.start('one', turned, { waves: ['100%'] })).rollout?.state, 'RUNNING');
  await stage.until('one', 'DONE');
});

test('rollout: where another order of hosts would send packets round, it stands still before that', async (t) => {
  await using stage = await open(2);
  await stage.apply(spec('web', 1, to('edge-1', '10.0.0.2')));
  await stage.speak();
  const turned = [spec('web', 1, to('edge-2', '10.0.0.1'))];
  const terms = { waves: ['1', '100%'], soakMs: 30_000 };
  let seed = 0;
  const begin = (): Promise<unknown> => stage.start(`r${seed}`, turned, terms).catch(() => undefined);
  while ((await begin()) === undefined) seed += 1;
  stage.host('edge-1').says = { ...stage.host('edge-1').says, bypass: true };
  await stage.speak();
  const { rollout } = await stage.until(`r${seed}`, 'PAUSED');
  t.like(rollout, { published: 0, cause: { code: 'REDIRECT_LOOP' } });
  t.regex(rollout.cause?.detail ?? '', /^packets would go round/);
  t.deepEqual(stage.host('edge-2').holds, {});
  stage.host('edge-1').says = { interfaces: [{ ...eth0, addresses: ['10.0.0.1'] }] };
  await stage.speak();
  const { version } = (await stage.status(`r${seed}`)).rollout;
  await stage.rollouts.resume({ v: 1, id: `r${seed}`, version });
  await stage.until(`r${seed}`, 'DONE');
  t.deepEqual(stage.holds, { 'edge-1': {}, 'edge-2': { web: { nexthop: '10.0.0.1' } } });
});
