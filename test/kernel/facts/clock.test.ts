/** The kernel's own clock. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { measureHertz } from '../../../agent/attach/hertz.ts';
import { kernelTests } from '../../support/kernel.ts';
import { frame, ipv4, udp } from '../../support/packets.ts';
import { LoadedProgram } from '../loaded-program.ts';

const kernel = kernelTests();
const SHIFT_S = 1_000_000;

interface Times {
  readonly monotonic: bigint;
  readonly jiffies: bigint;
}

async function timesBy(...command: string[]): Promise<Times> {
  const scenario = fileURLToPath(new URL('clock.scenario.ts', import.meta.url));
  const [first = '', ...rest] = [...command, process.execPath, scenario];
  const { stdout } = await promisify(execFile)(first, rest);
  const { monotonic, jiffies } = JSON.parse(stdout) as Record<string, string>;
  return { monotonic: BigInt(monotonic ?? 0), jiffies: BigInt(jiffies ?? 0) };
}

/** The kernel's own word, where it has one. */
function configuredHertz(): number | undefined {
  try {
    const config = gunzipSync(readFileSync('/proc/config.gz')).toString();
    return Number(/^CONFIG_HZ=(\d+)$/m.exec(config)?.[1]);
  } catch {
    return undefined;
  }
}

kernel('fact clock-same: the clock program answers the jiffies that the XDP program writes at a hit', (t) => {
  using program = new LoadedProgram();
  program.install({ match: { dst: '203.0.113.10' }, action: 'drop', slot: 5 });
  for (let round = 0; round < 100; round++) {
    const before = program.now();
    program.repeat(frame(ipv4(udp())), 1);
    const { seen } = program.counter(5);
    t.true(before <= seen && seen <= program.now());
  }
});

kernel('fact clock-namespace: a time namespace shifts the clocks of a process, not the jiffies', async (t) => {
  const here = await timesBy();
  const there = await timesBy('unshare', '--time', '--monotonic', `${SHIFT_S}`, '--fork');
  const shiftedS = Number(there.monotonic - here.monotonic) / 1e9;
  const jiffies = Number(there.jiffies - here.jiffies);
  t.log({ shiftedS, jiffies });
  t.true(shiftedS > SHIFT_S);
  t.true(jiffies >= 0 && jiffies < 100_000, 'what passed meanwhile, 100 s at the most');
});

kernel(
  'fact clock-hertz: jiffies a second, measured against the monotonic clock, are what the kernel is built for',
  (t) => {
    using program = new LoadedProgram();
    const measured = measureHertz(() => program.now());
    const configured = configuredHertz();
    t.log({ measured, configured });
    t.is(measured, configured ?? measured);
  },
);
