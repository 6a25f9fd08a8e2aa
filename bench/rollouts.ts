/**
 * What a rollout takes of a controller: `./dev bench rollouts [--hosts N] [--redirects N]`. Hosts are made up and say nothing meanwhile;
 * the database is a file. Milliseconds, of the clock and of CPU, for the machine does other things, too.
 */
import { cpus, loadavg } from 'node:os';
import { table } from '../cli/show/table.ts';
import { NO_COUNTING } from '../test/fakes/no-counting.ts';
import { readArguments } from '../test/support/arguments.ts';
import { ALLOWED, AMPLE_BYTES, Folder, openStore, type Store, spec, status } from '../test/unit/controller/fleet.ts';

interface Taken {
  readonly what: string;
  readonly ms: number;
  readonly cpuMs: number;
}

const LABELS = { role: 'edge' };

const { hosts, redirects } = readArguments('bench rollouts', {
  hosts: { takes: 'number', from: 1, to: 5000, default: 500 },
  redirects: { takes: 'number', from: 1, to: 1000, default: 200 },
}).values;
using folder = new Folder();
await using store = await openStore(folder.file());
await report(store);
const taken: Taken[] = [];
const start = { v: 1, part: 0, parts: 1, specs: specs('drop'), ...ALLOWED, now: true } as const;
const rollouts = store.rollouts(NO_COUNTING);
await measure('apply, on all hosts', () => store.desk.apply({ ...start, upload: 'a', specs: specs('pass') }));
await measure('plan, host by host', () => rollouts.start({ ...start, upload: 'r', dryRun: true }));
await measure('start', () => rollouts.start({ ...start, upload: 'r' }));
await measure('publish to all hosts', settle);
await measure('a tick that changes nothing', () => rollouts.advance());
await measure('go back on all hosts', async () => {
  await rollouts.abort({ v: 1, id: 'r' });
  await settle();
});
const { rollout, outstandingTotal = 0 } = await rollouts.status({ v: 1, id: 'r' }, AMPLE_BYTES);
if (outstandingTotal !== hosts) throw new Error(`it reached ${outstandingTotal} of ${hosts} hosts`);
const rows = taken.map(({ what, ms, cpuMs }) => [what, ms.toFixed(0), cpuMs.toFixed(0)]);
const numbers = { align: 'right' } as const;
const columns = [{ title: '' }, { title: 'MS', ...numbers }, { title: 'CPU', ...numbers }];
console.log(`${hosts} hosts, ${redirects} redirects, ${cpus().length} CPUs, load ${loadavg()[0]?.toFixed(0)}`);
console.log(table(columns, rows, { width: undefined, colour: false }));
console.log(`${rollout.state}; outstanding are ${outstandingTotal}`);

function specs(to: string): readonly object[] {
  return Array.from({ length: redirects }, (_, at) => spec(`redirect-${at}`, at, { hosts: LABELS, to }));
}

async function report({ roster }: Store): Promise<void> {
  const reports = Array.from({ length: hosts }, (_, at) => {
    const {
      problem: _problem,
      problems: _problems,
      unarmed: _unarmed,
      brake: _brake,
      ...well
    } = status(`edge-${at}`, { epoch: '', stored: 0, labels: LABELS });
    return { status: { ...well, interfaces: [], exceptions: [], exceptionsTotal: 0 }, seenAtMs: Date.now() };
  });
  await roster.report(reports);
}

async function settle(): Promise<void> {
  while (await rollouts.advance());
}

async function measure(what: string, work: () => Promise<unknown>): Promise<void> {
  const [before, beganMs] = [process.cpuUsage(), performance.now()];
  await work();
  const ms = performance.now() - beganMs;
  const { user, system } = process.cpuUsage(before);
  taken.push({ what, ms, cpuMs: (user + system) / 1000 });
}
