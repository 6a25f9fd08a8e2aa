/**
 * What a packet costs: `./dev bench packets [--rounds N] [--save] [-o table|json]`, as root. The loaded program against floors in
 * the same run, in namespaces of its own: a plain program with one look-up that counts nothing, the kernel's own route look-up,
 * and a redirect that looks at nothing.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { readArguments } from '../test/support/arguments.ts';
import { BASE, Bed, makeDevices } from './packets/bed.ts';
import { compare, counted, type Measured, spread } from './packets/compare.ts';
import { machine } from './packets/machine.ts';
import { ENTRIES, layOut, type Results } from './packets/report.ts';
import { save } from './packets/save.ts';
import { fillLive, scenesOf } from './packets/scenes.ts';

const LIVE_REPEAT = 400_000;
const SWEEPS = 50;
const INSIDE = 'SHUNT_BENCH_INSIDE';

const { values } = readArguments('bench packets', {
  rounds: { takes: 'number', from: 1, to: 1000, default: 15 },
  save: { takes: 'nothing' },
  output: { short: 'o', takes: 'word', of: ['table', 'json'], default: 'table' },
});

if (process.env[INSIDE] === undefined) {
  const script = ['sh', '-c', 'mount -t sysfs sysfs /sys && exec "$@"', 'sh', process.execPath];
  const argv = ['--net', '--mount', '--propagation', 'private', ...script, fileURLToPath(import.meta.url)];
  execFileSync('unshare', [...argv, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  process.exit();
}

makeDevices();
const rows: Measured[] = [];
for (const entries of ENTRIES) {
  using bed = new Bed(entries);
  bed.fillFloors(BASE);
  for (const scene of scenesOf(entries)) {
    scene.prepare(bed);
    tell(`${entries} entries: ${scene.rows.map(({ name }) => name).join('; ')}`);
    rows.push(...(await compare(bed, scene, values.rounds)));
  }
  if (entries === 1) rows.push(...(await live(bed, values.rounds)));
  if (entries === ENTRIES.at(-1)) rows.push(sweep(bed, entries));
}
const results: Results = { machine: machine(), rounds: values.rounds, rows };
if (values.save) save(results);
console.log(values.output === 'json' ? JSON.stringify(results, null, 2) : layOut(results));

/** Frames that the kernel carries on, out of a veth. */
async function live(bed: Bed, rounds: number): Promise<readonly Measured[]> {
  fillLive(bed);
  tell('live frames');
  const times = { shunt: [] as number[], bare: [] as number[] };
  for (let round = 0; round <= rounds; round += 1)
    for (const subject of ['bare', 'shunt'] as const) {
      const [verdict, wanted] = subject === 'shunt' ? (['SENT', LIVE_REPEAT] as const) : [undefined, 0];
      const ns = await counted(bed, 'live', verdict, wanted, () => bed.live(subject, LIVE_REPEAT));
      if (round > 0) times[subject].push(ns);
    }
  const speed = times.shunt.map((ns, i) => (times.bare[i] ?? Number.NaN) / ns);
  return [
    { name: 'live, bare', entries: 1, ns: spread(times.bare), ratios: {} },
    {
      name: 'live, out of a veth',
      entries: 1,
      ns: spread(times.shunt),
      ratios: { 'bare, in frames/s': spread(speed) },
    },
  ];
}

/** One look at when each redirect had its last packet. */
function sweep(bed: Bed, entries: number): Measured {
  const times: number[] = [];
  for (let round = 0; round < SWEEPS; round += 1) {
    const from = process.hrtime.bigint();
    bed.kernel.counts.seen();
    times.push(Number(process.hrtime.bigint() - from));
  }
  return { name: 'last-seen sweep', entries, ns: spread(times), ratios: {} };
}

function tell(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${what}\n`);
}
