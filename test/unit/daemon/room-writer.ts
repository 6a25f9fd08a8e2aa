import { closeSync, openSync } from 'node:fs';
import { SqliteStore } from '../../../agent/store/sqlite-store.ts';
import { openPorts } from '../../../controller/open.ts';
import { makeSystemClock } from '../../../daemon/clock.ts';
import { agentMigrations } from '../../../migrations/agent/index.ts';
import { ALLOWED, spec } from '../controller/fleet.ts';

/** Opens a store, looks into it and writes to it, of the agent or the controller, and says what became of each, as JSON. */
const [whose = '', directory = '', rev = '1', spare = ''] = process.argv.slice(2);
const told: Record<string, string> = {};
const clock = makeSystemClock();

async function tell<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    const result = await work();
    told[what] = 'done';
    return result;
  } catch (error) {
    const { name, code, message } = error as Error & { readonly code: string };
    told[what] = `${name} ${code}: ${message}`;
    return undefined;
  }
}

async function asAgent(): Promise<void> {
  const place = { directory, host: 'h', migrations: agentMigrations, clock };
  const store = await tell('open', () => SqliteStore.open(place));
  if (store === undefined) return;
  await tell('load', () => store.load());
  const row = { slot: 0, rev: Number(rev), state: 'installed', sinceMs: 1, installedAtMs: 1 } as const;
  const rows = Array.from({ length: 2_000 }, (_, n) => ({ ...row, key: `k${n}` }));
  await tell('write', () => store.saveEntries(rows, []));
  await tell('write a little', () => store.saveEntries(rows.slice(0, 1), []));
  await store.close();
}

async function asController(): Promise<void> {
  const ports = await tell('open', () =>
    openPorts(`${directory}/controller.db`, clock, (error) => (told.fatal = error.message)),
  );
  if (ports === undefined) return;
  const specs = Array.from({ length: 2_000 }, (_, n) => spec(`r-${n}`, n, { priority: Number(rev) }));
  await tell('load', () => ports.desk.hosts({ v: 1 }, 500_000));
  await tell('write', () => ports.desk.apply({ v: 1, upload: 'test', part: 0, parts: 1, specs, ...ALLOWED }));
  await tell('write a little', () =>
    ports.desk.apply({ v: 1, upload: 'little', part: 0, parts: 1, specs: specs.slice(0, 1) }),
  );
  await ports[Symbol.asyncDispose]();
}

/** Leaves so many files that may be opened, and no more. */
function takeFiles(left: number): void {
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    for (const fd of taken.slice(0, left)) closeSync(fd);
  }
}

if (spare !== '') takeFiles(Number(spare));
await (whose === 'agent' ? asAgent() : asController());
process.stdout.write(JSON.stringify(told));
