import { join } from 'node:path';
import test from 'ava';
import type { Finding } from '../../agent/doctor/finding.ts';
import type { Event } from '../../protocol/event.ts';
import type { Explanation } from '../../protocol/explain.ts';
import type { HostsReply } from '../../protocol/listings.ts';
import { CONVERGE_MS, serviceRedirect, startProduct } from '../support/operator.ts';
import { type Running, until } from '../support/process.ts';
import { HOST, NATS_URL, ROOT, SERVICE, Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';

const EVERY_MS = '10';
/** A fighter that is met within two seconds of the first look, as often as there are looks and tries by then. */
const MOST = 20;

type How = 'delete' | 'spoil';

/** Undoes whatever the agent writes for each entry of redirect4, in a process each. */
async function fighters(bed: Testbed, hows: readonly How[]): Promise<readonly Running[]> {
  const pin = join(bed.pins, 'redirect4');
  const entries = await bed.entries('redirect4');
  return await Promise.all(
    entries.map(({ key }, at) => {
      const hex = Buffer.from(key.map(Number)).toString('hex');
      const program = join(ROOT, 'test/support/map-fighter.ts');
      return bed.start('b', 'fighter', [process.execPath, program, pin, hex, hows[at] ?? 'delete', EVERY_MS]);
    }),
  );
}

async function undoneBy(fighter: Running): Promise<number> {
  await fighter.stop();
  return (JSON.parse(fighter.lines.at(-1) ?? '') as { undone: number }).undone;
}

test.serial(
  'fight: whoever undoes each repair is named with the pin, and met ever less often; all else goes on',
  async (t) => {
    await using bed = await Testbed.make();
    const { agent, operator } = await startProduct(bed);
    await Echo.start(bed, 'b');
    await Echo.start(bed, 'c');
    const [four, six] = [await Asker.start(bed), await Asker.start(bed, SERVICE.v6)];
    const other = { ...serviceRedirect('other', 'v4'), match: { dst: '203.0.113.11', proto: 'udp' } };
    const { rev } = await operator.apply(serviceRedirect('web', 'v4'), other, serviceRedirect('web6', 'v6'));
    await operator.applied(rev);
    await Promise.all([four.steady(100), six.steady(100)]);
    await Promise.all([four.answeredBy('c', CONVERGE_MS), six.answeredBy('c', CONVERGE_MS)]);
    const before = await six.report();
    const pin = join(bed.pins, 'redirect4');
    const linesBefore = agent.lines.length;

    const fighting = await fighters(bed, ['delete', 'spoil']);
    const explain = async (name: string) => (await bed.ask('explain', '--host', HOST, name)) as Explanation;
    const status = await until('the host names the pin', CONVERGE_MS, async () => {
      await Promise.all([explain('web'), explain('other')]); // each has its entry looked at
      const said = await operator.status();
      return said?.exceptionsTotal === 2 && said.problem === 'FOREIGN_WRITER' && said;
    });
    t.deepEqual(
      status.problems?.map(({ code, detail }) => [code, detail]),
      [['FOREIGN_WRITER', pin]],
    );
    t.like(status.counts, { installed: 1, failed: 2 });
    t.deepEqual(new Set(status.exceptions.map(({ code }) => code)), new Set(['FOREIGN_WRITER']));
    const explained = await explain('web');
    t.like(explained, { state: 'failed', code: 'FOREIGN_WRITER', problems: [{ code: 'FOREIGN_WRITER', detail: pin }] });
    const shown = await until('the controller has heard it', CONVERGE_MS, async () => {
      const { items } = (await bed.ask('hosts')) as HostsReply;
      return items[0]?.problem === 'FOREIGN_WRITER' && items;
    });
    t.is(shown.length, 1);
    const doctor = await bed.shunt(
      'b',
      'doctor',
      ...['--pin-root', bed.pinRoot, '--nats', NATS_URL, '--host', HOST, '-o', 'json'],
    );
    const { findings } = JSON.parse(doctor.stdout) as { readonly findings: readonly Finding[] };
    t.true(findings.some(({ level, found }) => level === 'bad' && found.includes(pin)));

    for (const fighter of fighting) {
      const undone = await undoneBy(fighter);
      t.true(undone >= 3 && undone <= MOST, `${undone} repairs undone`);
    }
    await four.answeredBy('c', CONVERGE_MS);
    const after = await six.stop();
    t.deepEqual(
      [after.lost - before.lost, Object.keys(after.answers)],
      [0, Object.keys(before.answers)],
      'IPv6 goes on',
    );
    const told = (await bed.shunt('bus', 'events', '--host', HOST, '--nats', NATS_URL, '-o', 'json')).stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Event);
    t.is(told.filter(({ code, key }) => code === 'FOREIGN_WRITER' && key === undefined).length, 1);
    t.true(told.filter(({ kind }) => kind === 'drift').length <= 5, JSON.stringify(told));
    t.true(agent.lines.length - linesBefore <= 25, agent.lines.slice(linesBefore).join('\n'));
  },
);
