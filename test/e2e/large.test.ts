import { join } from 'node:path';
import test from 'ava';
import type { Finding } from '../../agent/doctor/finding.ts';
import type { Explanation } from '../../protocol/explain.ts';
import type { HostsReply } from '../../protocol/listings.ts';
import type { Stats } from '../../protocol/stats.ts';
import { CONVERGE_MS, startProduct } from '../support/operator.ts';
import { until } from '../support/process.ts';
import { C, HOST, NATS_URL, SERVICE, Testbed } from '../support/testbed.ts';

const NAME = 'web';
const PORT = '8080';
const START_MS = 60_000;

function program(name: string): string {
  return join(import.meta.dirname, '../support', name);
}

async function startSink(bed: Testbed): Promise<void> {
  const sink = await bed.start('c', 'sink', [process.execPath, program('transfer-sink.ts'), 'c', PORT, SERVICE.v4]);
  await sink.until('ready', START_MS, () => sink.lines.includes('ready'));
}

/** Sends so many bytes from A to the service by TCP; answers who took them and how many came, or the errno. */
async function transfer(bed: Testbed, bytes: number): Promise<string> {
  const send = [process.execPath, program('transfer-send.ts'), SERVICE.v4, PORT, `${bytes}`];
  return (await bed.must('a', send)).trim();
}

async function diagnose(bed: Testbed): Promise<{ readonly status: number; readonly findings: readonly Finding[] }> {
  const { status, stdout } = await bed.shunt('bus', 'doctor', '--host', HOST, '--nats', NATS_URL, '-o', 'json');
  return { status, findings: (JSON.parse(stdout) as { findings: readonly Finding[] }).findings };
}

test.serial(
  'large: what a sender leaves unsegmented is passed, told of everywhere, and the cure that is told cures it',
  async (t) => {
    await using bed = await Testbed.make();
    await bed.must('a', ['ethtool', '-K', 'to-b', 'tx', 'on']); // as a veth is made
    const { operator } = await startProduct(bed, '--mode', 'generic');
    await startSink(bed);
    const match = { dst: SERVICE.v4, proto: 'tcp', dport: Number(PORT) };
    const { rev } = await operator.apply({ name: NAME, hosts: [HOST], match, to: { nexthop: C.v4 } });
    await operator.applied(rev);
    t.is(await transfer(bed, 1_000), 'c 1000');
    t.false('passed' in ((await operator.status()) ?? {}));

    t.is(await transfer(bed, 100_000), 'ECONNRESET');
    const status = await until('the redirect is listed', CONVERGE_MS, async () => {
      const said = await operator.status();
      return said?.passed?.[0] !== undefined && said;
    });
    const { verdicts } = (await bed.ask('stats', '--host', HOST)) as Stats;
    const reasons = { TOO_BIG: verdicts.TOO_BIG ?? '' };
    t.regex(reasons.TOO_BIG, /^[1-9]/);
    t.like(status, { passedTotal: 1, counts: { installed: 1, failed: 0 }, exceptionsTotal: 0 });
    t.like(status.passed?.[0], { name: NAME, reasons });
    t.deepEqual(((await bed.ask('explain', '--host', HOST, NAME)) as Explanation).passed, reasons);
    const events = await bed.shunt('bus', 'events', '--host', HOST, '--nats', NATS_URL);
    t.regex(events.stdout, /undelivered +(-|[0-9]+) +web .*HITS_PASSED .*TOO_BIG/);
    await until('the controller knows', CONVERGE_MS, async () => {
      return ((await bed.ask('hosts')) as HostsReply).items.some(({ host, passed }) => host === HOST && passed === 1);
    });
    t.regex((await bed.shunt('bus', 'hosts', '--nats', NATS_URL)).stdout, /HITS_PASSED web$/m);
    const { findings, status: exit } = await diagnose(bed);
    const found = findings.find((one) => one.found.includes('TOO_BIG'));
    t.is(exit, 1);
    t.regex(found?.mend ?? '', /ethtool -K IF tx off/);

    await bed.must('a', ['ethtool', '-K', 'to-b', 'tx', 'off']);
    t.is(await transfer(bed, 100_000), 'c 100000');
  },
);
