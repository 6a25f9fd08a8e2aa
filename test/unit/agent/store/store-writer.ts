import { SqliteStore } from '../../../../agent/store/sqlite-store.ts';
import { makeSystemClock } from '../../../../daemon/clock.ts';
import { agentMigrations } from '../../../../migrations/agent/index.ts';
import { MemoryController } from '../../../fakes/memory-controller.ts';
import { del, HOST, put } from '../follow/samples.ts';

/** Commits changes until it is killed, and says after each commit up to which revision it got. */
const [directory = ''] = process.argv.slice(2);
const store = await SqliteStore.open({ directory, host: HOST, migrations: agentMigrations, clock: makeSystemClock() });
const controller = new MemoryController(HOST);
for (let n = 0; ; n += 1) {
  const { rev } = controller.head;
  controller.write([(at) => put(n, at), (at) => put(n % 7, at, 'again'), (at) => del(n % 5, at)]);
  const { changes, digest, epoch, rev: head } = controller.update(rev);
  const acceptance = await store.accept({ base: 'stored', changes, cursor: { epoch, rev: head }, digest });
  if (acceptance.outcome !== 'accepted') throw new Error('not accepted');
  process.stdout.write(`${head}\n`);
  await new Promise(setImmediate);
}
