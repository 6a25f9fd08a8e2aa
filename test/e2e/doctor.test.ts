import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Finding } from '../../agent/doctor/finding.ts';
import type { Event } from '../../protocol/event.ts';
import type { Explanation } from '../../protocol/explain.ts';
import type { HostItem } from '../../protocol/listings.ts';
import { CONVERGE_MS, serviceRedirect, startProduct } from '../support/operator.ts';
import { type Ended, must, run, until } from '../support/process.ts';
import { C, HOST, NATS_URL, Testbed } from '../support/testbed.ts';

const AS_NOBODY = join(import.meta.dirname, '../../tools/as-nobody');

function findingsOf({ stdout, stderr }: Ended): readonly Finding[] {
  if (stdout === '') throw new Error(stderr);
  return (JSON.parse(stdout) as { findings: Finding[] }).findings;
}

/** The findings of one level, as `check: found`. */
function those(ended: Ended, level: Finding['level']): string[] {
  return findingsOf(ended)
    .filter((one) => one.level === level)
    .map(({ check, found }) => `${check}: ${found}`);
}

test.serial('doctor: nothing is bad on a sound host, and what is broken is named with its remedy', async (t) => {
  await using bed = await Testbed.make();
  const { agent, nats, operator } = await startProduct(bed);
  const { rev } = await operator.apply(serviceRedirect('to-c', 'v4'));
  await operator.applied(rev);
  await until('the controller has heard the host', CONVERGE_MS, async () => {
    const { items } = (await bed.ask('hosts')) as { readonly items: readonly HostItem[] };
    return items.some(({ seenAt }) => seenAt !== null);
  });
  const words = ['doctor', '--pin-root', bed.pinRoot, '--state', bed.state, '--nats', NATS_URL, '--host', HOST];
  const doctor = () => bed.shunt('b', ...words, '-o', 'json');

  const sound = await doctor();
  t.deepEqual(those(sound, 'bad'), []);
  t.is(sound.status, 0);
  const seen = those(sound, 'ok');
  for (const what of [/^pins: 15 maps/, /^kernel clock: runs/, /^bypass: off/, /^interfaces: to-a: native/])
    t.true(
      seen.some((text) => what.test(text)),
      `${what} in ${seen.join('\n')}`,
    );
  for (const what of [
    /^state: .* alone/,
    /^agent: runs as process/,
    /^bus: .*answers/,
    /^controller: answers/,
    /^host b/,
  ])
    t.true(
      seen.some((text) => what.test(text)),
      `${what} in ${seen.join('\n')}`,
    );
  t.true(those(sound, 'unseen').some((text) => /^veth to-a: whether its far end/.test(text)));
  const tags = findingsOf(sound).filter(({ check }) => check === 'VLAN tags');
  t.deepEqual(
    tags.map(({ level, found }) => [level, found]),
    (['a', 'c'] as const).map((far) => [
      'warn',
      `to-${far}: its far end, to-b in ${bed.netns(far)}, hides VLAN tags: tx-vlan-offload is on there`,
    ]),
  );
  await must((tags[0]?.mend ?? '').split(' '));
  t.true(those(await doctor(), 'ok').includes('VLAN tags: of to-a reach the program'));

  const elsewhere = await bed.shunt('a', ...words, '--timeout', '100ms', '-o', 'json');
  t.true(those(elsewhere, 'bad').includes('pins: they belong to another network namespace'));
  t.deepEqual(
    findingsOf(elsewhere).flatMap(({ check, level, found }) => (check === 'interfaces' ? [`${level} ${found}`] : [])),
    ['unseen those that the program is attached to: they are in another network namespace'],
  );
  t.false(findingsOf(elsewhere).some(({ check }) => /^VLAN tags|^veth/.test(check)));
  t.true(those(elsewhere, 'ok').some((text) => /^agent: runs as process/.test(text)));

  const explained = (await bed.ask('explain', '--host', HOST, 'to-c')) as Explanation;
  t.like(explained, { state: 'installed', rev, entry: { dmac: C.mac, sound: true }, bypass: false });
  t.like(explained.nexthop, { state: 'resolved', interface: 'to-c', gateway: C.v4, mac: C.mac });
  t.is(explained.events.at(-1)?.kind, 'applied');
  const last = (await bed.ask('events', '--host', HOST, '--last', '1')) as Event;
  t.like(last, { host: HOST, kind: 'applied', name: 'to-c' });

  const owner = await run(bed.inside('b', [AS_NOBODY, ...words, '-o', 'json']));
  t.is(owner.status, 0);
  t.deepEqual(those(owner, 'bad'), []);
  t.true(those(owner, 'unseen').some((text) => /only root sees/.test(text)));
  t.true(those(owner, 'unseen').includes('VLAN tags: whether the far end of to-a hides VLAN tags (tx-vlan-offload)'));

  await bed.shunt('b', 'bypass', 'on', '--pin-root', bed.pinRoot);
  await nats.stop('SIGKILL');
  const off = /^agent: is not on the bus since .*: connect to .*: the connection was lost/;
  await until('word of the agent that is off the bus', CONVERGE_MS, async () =>
    those(await doctor(), 'bad').some((text) => off.test(text)),
  );
  await agent.stop('SIGKILL');
  await chmod(join(bed.pins, 'redirect4'), 0o644);
  await bed.must('b', ['ip', 'link', 'set', 'to-c', 'down']);
  const broken = await doctor();
  t.is(broken.status, 1);
  const bad = those(broken, 'bad');
  for (const what of [/^pins: .*redirect4 is 644 of user 65534/, /^bypass: on/, /^bus: cannot reach NATS/])
    t.true(
      bad.some((text) => what.test(text)),
      `${what} in ${bad.join('\n')}`,
    );
  t.true(those(broken, 'warn').some((text) => /^agent: none runs/.test(text)));
  t.false(bad.some((text) => off.test(text)));
  t.true(those(broken, 'warn').some((text) => /^interfaces: to-c: native mode, but it is down/.test(text)));
  t.true(findingsOf(broken).every(({ level, mend }) => level === 'ok' || mend !== undefined));

  await bed.shunt('b', 'detach', '--pin-root', bed.pinRoot);
  t.true(those(await doctor(), 'bad').some((text) => /^pins: nothing is attached/.test(text)));
});
