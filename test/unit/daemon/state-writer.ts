import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BusFile } from '../../../agent/store/bus-file.ts';
import { SqliteStore } from '../../../agent/store/sqlite-store.ts';
import { TimeFile } from '../../../agent/store/time-file.ts';
import { openPorts } from '../../../controller/open.ts';
import { makeSystemClock } from '../../../daemon/clock.ts';
import { agentMigrations } from '../../../migrations/agent/index.ts';

const TROUBLE = { code: 'DOWN', reason: 'the connection was lost', since: 1 };

/**
 * Has an agent and a controller write all that they keep into one folder, and prints the mode of each file while both are
 * open: twice, the second time with files that everybody may write. A process of its own, for its umask.
 */
async function writeAll(directory: string): Promise<Record<string, string>> {
  const clock = makeSystemClock();
  await using held = new AsyncDisposableStack();
  held.use(await openPorts(join(directory, 'controller.db'), clock, (error) => Promise.reject(error)));
  const store = await SqliteStore.open({ directory, host: 'edge-1', migrations: agentMigrations, clock });
  held.adopt(store, (it) => it.close());
  store.record([{ v: 1, host: 'edge-1', at: 1, kind: 'applied' }]);
  const times = new TimeFile(directory, 'boot');
  times.load();
  times.save(1);
  new BusFile(directory).note(TROUBLE);
  const modes = readdirSync(directory).map((name) => [
    name,
    (statSync(join(directory, name)).mode & 0o777).toString(8),
  ]);
  return Object.fromEntries(modes);
}

const [, , directory = ''] = process.argv;
const first = await writeAll(directory);
for (const name of readdirSync(directory)) chmodSync(join(directory, name), 0o666);
console.log(JSON.stringify([first, await writeAll(directory)]));
