import { join } from 'node:path';
import test from 'ava';
import type { AttachReport } from '../../agent/attach/attach.ts';
import type { Event } from '../../protocol/event.ts';
import { otherBuild } from '../support/other-build.ts';
import { Redirected } from '../support/redirected.ts';
import { HOST, NATS_URL, Testbed } from '../support/testbed.ts';

const SWAPS = Number(process.env.SWAPS ?? 100);
/** Datagrams a second, all the while. */
const RATE = 2_000;
/** The agent starts anew with one swap in so many. */
const RESTART_EVERY = 5;

test.serial(
  `upgrade: ${SWAPS} times another program takes its place under traffic, and not one packet goes elsewhere`,
  async (t) => {
    t.timeout(3_600_000);
    await using bed = await Testbed.make();
    const folder = join(bed.folder, 'other');
    await otherBuild(folder, '0.2.0');
    const redirected = await Redirected.start(bed, RATE, [], { idle: { after: '2s' } });
    let { agent } = redirected;
    for (let swap = 0; swap < SWAPS; swap += 1) {
      const { status, stdout, stderr } = await (swap % 2 === 0 ? bed.by(folder) : bed).attach(
        '--interface',
        'to-a',
        '-o',
        'json',
      );
      t.is(status, 0, stderr);
      const { program } = JSON.parse(stdout) as AttachReport;
      t.deepEqual(
        [program.version, program.switched.toSorted()],
        [swap % 2 === 0 ? '0.2.0' : '0.1.0', ['to-a', 'to-c']],
      );
      if (swap % RESTART_EVERY !== 0) continue;
      await agent.stop();
      agent = await bed.startAgent();
    }
    const sent = await redirected.end(t);
    const { stdout } = await bed.shunt('bus', 'events', '--host', HOST, '--nats', NATS_URL, '-o', 'json');
    const told = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Event);
    t.deepEqual(
      [...new Set(told.map(({ kind }) => kind))].filter((kind) => kind !== 'applied' && kind !== 'blocked'),
      [],
    );
    t.log(`${sent} datagrams`);
  },
);
