/** Ten interfaces that come and go without end under `attach --watch`: how often it looked, and what it said. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { detach } from '../../agent/attach/detach.ts';
import { watchChosen } from '../../agent/attach/watch.ts';
import { makeSystemClock } from '../../daemon/clock.ts';
import { loadNative, type Native } from '../../native/index.ts';
import { printResult } from '../support/netns.ts';
import { until } from '../support/process.ts';

/** So many times all ten are deleted and made anew, one time a second. */
const ROUNDS = Number(process.argv[2] ?? '4');
/** Where only a few rounds are played, the minute that is summed is a twelfth as long. */
const SPEED = ROUNDS > 60 ? 1 : 12;
const NAMES = Array.from({ length: 10 }, (_, at) => `flap${at}`);

const parent = mkdtempSync(join(tmpdir(), 'shunt-flaps-'));
chmodSync(parent, 0o755);
const pinRoot = join(parent, 'bpf');
const batch = (lines: readonly string[]): void => void execFileSync('ip', ['-batch', '-'], { input: lines.join('\n') });
const make = (): void => batch(NAMES.map((name) => `link add ${name} type veth peer p-${name}`));
const remove = (): void => batch(NAMES.map((name) => `link del ${name}`));

let looks = 0;
let attempts = 0;
const real = loadNative();
const native: Native = {
  ...real,
  mapOpen: (path, readOnly) => {
    if (path.endsWith('/about') && readOnly) looks += 1;
    return real.mapOpen(path, readOnly);
  },
  linkCreateXdp: (...args) => {
    attempts += 1;
    return real.linkCreateXdp(...args);
  },
};

const lines: { readonly message: string; readonly facts: object }[] = [];
const say = (facts: object, message: string): void => void lines.push({ message, facts });
const log = { debug: say, info: say, warn: say, error: say };
const clock = makeSystemClock();
const faster = {
  monotonicMs: () => clock.monotonicMs() * SPEED,
  delay: (delayMs: number, signal: AbortSignal) => clock.delay(delayMs / SPEED, signal),
};
const stop = new AbortController();
const options = {
  wanted: { interfaces: ['flap*'], allEthernet: false },
  ...({ mode: 'generic', pinRoot, maxRedirects: 64, acceptPrivatePins: true } as const),
};
make();
const watching = watchChosen(native, options, { log, clock: faster, begun: () => {} }, stop.signal);
await delay(50);
const cpu = process.cpuUsage();
const began = performance.now();
looks = 0;
for (let round = 0; round < ROUNDS; round += 1) {
  const next = began + (round + 1) * 1_000;
  remove();
  await delay(200);
  make();
  await delay(Math.max(0, next - performance.now()));
}
const seconds = (performance.now() - began) / 1_000;
const { user, system } = process.cpuUsage(cpu);
const summed = () => lines.filter(({ message }) => message === 'interfaces come and go').map(({ facts }) => facts);
const rolled = summed().length;
await until('a last sum', 61_000 / SPEED + 5_000, () => summed().length > rolled);
stop.abort();
await watching;
const attached = real.netLinks().items.filter(({ name, xdpMode }) => NAMES.includes(name) && xdpMode !== 0).length;
detach(real, pinRoot, []);
rmSync(parent, { recursive: true });
printResult({
  seconds,
  looks,
  attempts,
  lines: lines.length,
  sums: summed(),
  attached,
  cpuMs: (user + system) / 1_000,
});
