/**
 * One change at a time, from the request to the kernel: `./dev bench control [--rounds N] [-o json]`, as root. The whole product in
 * namespaces of its own; who asks and who looks are a process beside the agent, `control-probe.ts`. Each round has its floors.
 */
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import type { HostsReply } from '../protocol/listings.ts';
import { readArguments } from '../test/support/arguments.ts';
import { lockMachine } from '../test/support/lock.ts';
import { CONVERGE_MS, startProduct } from '../test/support/operator.ts';
import { until } from '../test/support/process.ts';
import { C, NATS_URL, Testbed } from '../test/support/testbed.ts';
import { type ControlReport, describeControl, type Rounds } from './control-report.ts';

const PROBE = join(import.meta.dirname, 'control-probe.ts');

export async function control(rounds: number): Promise<ControlReport> {
  await using bed = await Testbed.make();
  await bed.must('b', ['ip', 'neigh', 'replace', C.v4, 'lladdr', C.mac, 'dev', 'to-c']);
  await startProduct(bed);
  const known = async () => ((await bed.ask('hosts')) as HostsReply).items.length === 1;
  await until('the controller knows the host', CONVERGE_MS, known);
  const words = [NATS_URL, join(bed.pins, 'redirect4'), bed.folder, `${rounds}`];
  const said = await bed.must('b', [process.execPath, PROBE, ...words]);
  return { ...(JSON.parse(said) as Rounds), machine: { cpus: cpus().length, load: loadavg() } };
}

if (import.meta.main) {
  const { values } = readArguments('bench control', {
    rounds: { takes: 'number', from: 1, to: 10_000, default: 300 },
    output: { takes: 'word', short: 'o', of: ['table', 'json'], default: 'table' },
  });
  await using _ = await lockMachine((line) => process.stderr.write(`${line}\n`));
  const report = await control(values.rounds);
  process.stdout.write(`${values.output === 'json' ? JSON.stringify(report) : describeControl(report)}\n`);
}
