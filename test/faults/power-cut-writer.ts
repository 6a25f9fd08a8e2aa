import { writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { NO_BRAKE } from '../../agent/model/brake.ts';
import type { EntryState } from '../../agent/model/state.ts';
import { SqliteStore } from '../../agent/store/sqlite-store.ts';
import { makeSystemClock } from '../../daemon/clock.ts';
import { agentMigrations } from '../../migrations/agent/index.ts';
import type { Change } from '../../protocol/intent.ts';
import { candidate, digestOf, HOST, intent, put } from '../unit/agent/follow/samples.ts';

/** Stores one thing after the other, says after each that it is stored, writes down what the store then says, and dies. */
const [directory = ''] = process.argv.slice(2);
const store = await SqliteStore.open({
  ...{ directory, host: HOST, migrations: agentMigrations },
  clock: makeSystemClock(),
});
const CONFIRM = { confirm: { withinMs: 60_000 } } as const;
const AT = { boot: 'b', ms: 0 };
const { key } = intent(1, 1);
const row = (n: number, more: Partial<EntryState> = {}): EntryState => {
  return { key: intent(n, 1).key, slot: n, rev: 1, state: 'installed', sinceMs: 1, installedAtMs: 1, ...more };
};
const laid = (rev: number, changes: readonly Change[], set = changes) => ({
  ...candidate('stored', { epoch: 'e', rev }, changes),
  digest: digestOf(set.flatMap((one) => (one.op === 'put' ? [one] : []))),
});
const base = [put(1, 1), put(2, 2), put(3, 3)];
const wanting = { ...put(1, 4, 'other'), ...CONFIRM } as Change;
const others = base.slice(1);

const STEPS: Readonly<Record<string, () => Promise<unknown>>> = {
  'the set': () => store.accept(candidate('empty', { epoch: 'e', rev: 3 }, base)),
  'may go: it stands': () => store.saveEntries([row(1), row(2), row(3)], [], false),
  idle: () => store.saveEntries([row(2, { state: 'idle' })], []),
  'may go: it waits': () => store.saveEntries([row(3, { state: 'blocked', code: 'NO_ROUTE' })], [], false),
  'a slot that was given away': () => store.saveEntries([row(2, { state: 'idle', slot: null })], []),
  'may go: it is gone': () => store.saveEntries([], [row(3).key], false),
  'armed again': () => store.saveEntries([row(2, { state: 'pending', armed: 7 })], []),
  'what is to be confirmed': () => store.accept(laid(4, [wanting], [wanting, ...others])),
  'may go: it stands with it': () => store.saveEntries([row(1, { rev: 4 })], [], false),
  'its time': () => store.move('arm', [{ key, rev: 4 }], AT),
  reverted: () => store.move('revert', [{ key, rev: 4 }], AT),
  confirmed: () => store.confirm('e', 4, () => AT),
  withheld: () =>
    store.remember({
      brake: { state: NO_BRAKE, hold: [{ key: row(2).key, rev: 2, last: intent(2, 2) }], free: [] },
    }),
};

for (const [at, [what, work]] of Object.entries(STEPS).entries()) {
  await work();
  writeFileSync(join(directory, `said-${at}.json`), JSON.stringify({ what, stored: await store.load() }));
  writeSync(1, `stored ${at}\n`);
}
process.kill(process.pid, 'SIGKILL');
