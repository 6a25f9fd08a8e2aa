import { readFileSync } from 'node:fs';
import test from 'ava';
import { encodeApplyRequest } from '../../protocol/api.ts';
import type { Cursor } from '../../protocol/cursor.ts';
import { parseStatus, type Status } from '../../protocol/status.ts';
import { Backup } from './backup.ts';
import { FleetCheck } from './fleet-check.ts';
import { Oracle } from './oracle.ts';
import { World } from './world.ts';

const SAID = parseStatus(readFileSync(new URL('../../protocol/fixtures/status.json', import.meta.url)));

function said({ epoch, rev }: Cursor, problem?: 'HISTORY_LOST'): Status {
  return { ...SAID, epoch, stored: rev, problems: problem ? [{ code: problem, since: 0 }] : [] };
}

/** Has the log of a host move, and answers where it ends then. */
async function moved(world: World, n: number): Promise<Cursor> {
  const match = { dst: `203.0.113.${n}`, proto: 'udp' };
  const specs = [{ name: `r${n}`, hosts: ['a'], match, to: 'drop' }] as never;
  await world.passing(world.api('apply', encodeApplyRequest({ v: 1, upload: `u${n}`, part: 0, parts: 1, specs })));
  const [[epoch, rev] = ['', 0]] = [...world.database.ends()].slice(-1);
  return { epoch, rev };
}

test('restored: what a database forgot when it was put back may still come after it was put back once more', async (t) => {
  const world = await World.make();
  const check = new FleetCheck(world.database, []);
  const backup = new Backup(world, new Oracle());
  await world.passing(world.controller.start());
  const kept = await moved(world, 1);
  backup.keep();
  const gone = await moved(world, 2);
  t.true(gone.epoch === kept.epoch && gone.rev > kept.rev);
  await world.passing(world.controller.stop());
  for (let times = 1; times <= 2; times += 1) {
    check.restoring();
    backup.restore();
    check.restored();
    t.deepEqual(check.said(said(kept, 'HISTORY_LOST')), []);
    t.deepEqual(check.said(said(gone)), [], `put back ${times} times`);
  }
  t.deepEqual(check.said(said(gone, 'HISTORY_LOST')), []);
  t.is(check.said(said({ ...gone, rev: gone.rev + 1 })).length, 1, 'nobody ever had that');
  await world.database.close();
});
