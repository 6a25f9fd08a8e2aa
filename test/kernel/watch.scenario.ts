/** `shunt attach --watch` as a process of its own, in namespaces: what it does and says, as one JSON document. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { attach } from '../../agent/attach/attach.ts';
import { attachChosen } from '../../agent/attach/attach-chosen.ts';
import { detach } from '../../agent/attach/detach.ts';
import { watchChosen } from '../../agent/attach/watch.ts';
import { linkIfindex } from '../../agent/attach/zones.ts';
import { NativeKernel } from '../../agent/kernel/native-kernel.ts';
import { pinPaths } from '../../agent/kernel/pins.ts';
import { NO_MAC } from '../../agent/model/entry.ts';
import { makeSystemClock } from '../../daemon/clock.ts';
import { loadNative } from '../../native/index.ts';
import { parseAddress } from '../../protocol/address.ts';
import { parseMatch } from '../../protocol/match.ts';
import { shapeOf } from '../../protocol/shape.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';
import { Running, until } from '../support/process.ts';
import { shuntCommand } from '../support/testbed.ts';
import { LoadedProgram } from './loaded-program.ts';

/** So often an interface is made anew. */
const ROUNDS = Number(process.argv[2] ?? '3');
/** Where it is often, between two: each is told by a line of its own then. */
const REST_MS = 3_000;
const WITHIN_MS = 20_000;
const TARGET = '198.51.100.1';
const MAC = '02:00:00:00:00:01';

const native = loadNative();
const parent = mkdtempSync(join(tmpdir(), 'shunt-watch-'));
chmodSync(parent, 0o755);
const pinRoot = join(parent, 'bpf');
const paths = pinPaths(pinRoot);
const sh = async (line: string): Promise<string> =>
  (await promisify(execFile)('sh', ['-ec', line], { encoding: 'utf8' })).stdout;
/** All in one go, so that the interface is up before anybody could look. */
const batch = (lines: string): void => void execFileSync('ip', ['-batch', '-'], { input: lines });
const makeLines = (name: string): string => `link add ${name} address ${MAC} type veth peer p-${name}
link set ${name} up
link set p-${name} up`;
const make = (...names: readonly string[]): void => batch(names.map(makeLines).join('\n'));
const remove = (...names: readonly string[]): void => batch(names.map((name) => `link del ${name}`).join('\n'));
const linkOf = (name: string) => native.netLinks().items.find((link) => link.name === name);
const isPinned = (name: string): boolean => existsSync(paths.link(name));
const isRunning = (name: string): boolean => (linkOf(name)?.xdpMode ?? 0) !== 0;
const refusal = (act: () => unknown): string => {
  try {
    act();
    return 'accepted';
  } catch (error) {
    return (error as Error).message.replaceAll(parent, '…').replace(/\(process \d+\)/, '(process N)');
  }
};

const other = { interfaces: ['v0'], mode: 'generic', pinRoot, acceptPrivatePins: true } as const;

/** What another one says that is to follow the same pins. */
async function secondWatch(): Promise<string> {
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const around = { log: silent, clock: makeSystemClock(), begun: () => {} };
  const wanted = { interfaces: ['v0'], allEthernet: false };
  const ended = await watchChosen(native, { ...other, wanted }, around, AbortSignal.abort()).catch(String);
  return refusal(() => {
    throw new Error(ended ?? 'it follows');
  });
}

make('v0');
attach(native, {
  ...{ interfaces: [], mode: 'generic', pinRoot, maxRedirects: 64, acceptPrivatePins: true },
});
using kernel = new NativeKernel(native, pinRoot);
const zoneOf = (name: string): number => kernel.net.network().netdevs.find((dev) => dev.name === name)?.zone ?? 0;

interface Told {
  readonly interface?: string;
  readonly msg: string;
  readonly why?: string;
}
const watched = ['--interface', 'v0', '--interface', 'late', '--interface', 'w*', '--interface', 'l*'];
const options = ['--mode', 'generic', '--pin-root', pinRoot, '--accept-private-pins', '-o', 'json'];
await using watch = await Running.start('watch', shuntCommand(['attach', '--watch', ...watched, ...options]));
const told = (): readonly Told[] => watch.lines.map((line) => JSON.parse(line) as Told);
const says = (name: string, msg: string): Promise<Told> =>
  watch.until(`${name}: ${msg}`, WITHIN_MS, () => told().findLast((it) => it.interface === name && it.msg === msg));
const runs = (name: string): Promise<true> =>
  watch.until(`${name} runs the program`, WITHIN_MS, () => isRunning(name) && isPinned(name) && zoneOf(name) !== 0);

await runs('v0');
await says('w*', 'nothing there is meant by it yet; it is waited for');
const waited = told().flatMap((it) => (it.msg.startsWith('nothing there') ? [it.interface] : []));
const loopback = (await says('lo', 'left alone')).why;
const refusals = {
  attach: refusal(() => attach(native, other)),
  detach: refusal(() => detach(native, pinRoot, ['v0'])),
  watch: await secondWatch(),
};

// Named, and not there yet.
make('late');
await runs('late');

// What comes in by v0 is dropped by a redirect that names v0.
const zone = zoneOf('v0');
const match = parseMatch({ dst: TARGET });
const local = { action: 'drop', ifindex: 0, keepTtl: false, mtu: 0, dmac: NO_MAC, smac: NO_MAC } as const;
const value = { rev: 1, until: 0n, slot: 1, ...local };
kernel.entries.apply([
  { op: 'shapes', family: 4, shapes: [{ ...shapeOf(match), in: true }] },
  { op: 'write', id: 'x', key: { match, zone }, value },
]);
const hits = (): bigint => kernel.counts.counters([1])[0]?.packets ?? 0n;
const address = must('address', parseAddress(TARGET) ?? -22).bytes;
const reach = `address replace 198.51.100.10/24 dev p-v0
neighbour replace ${TARGET} lladdr ${MAC} nud permanent dev p-v0`;

/** From when packets can come in by v0 until the first is redirected; -1 where that does not come to pass. */
async function unredirectedMs(change: string): Promise<number> {
  const before = hits();
  batch(`${change}\n${reach}`);
  const ifindex = must('p-v0', linkOf('p-v0') ?? -19).ifindex;
  const since = performance.now();
  while (performance.now() - since < WITHIN_MS) {
    native.netProbe(ifindex, address);
    if (hits() !== before) return performance.now() - since;
    await delay(1);
  }
  return -1;
}

const anew: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  anew.push(await unredirectedMs(`link del v0\n${makeLines('v0')}`));
  await runs('v0');
  await delay(ROUNDS > 3 ? REST_MS : 50);
}
const sameZone = zoneOf('v0') === zone;

// Others come meanwhile, and none takes its zone.
remove('v0');
await says('v0', 'gone');
make('w0', 'w1');
await Promise.all([runs('w0'), runs('w1')]);
make('v0');
await runs('v0');
const keptZone = zoneOf('v0') === zone && zoneOf('w0') !== zone && zoneOf('w1') !== zone;

// Renamed: the program stays on it, with its zone; and back.
const renamed: number[] = [];
let [runsRenamed, zoneRenamed, renamedPins] = [true, true, [] as string[]];
for (let round = 0; round < ROUNDS; round += 1) {
  renamed.push(await unredirectedMs('link set v0 down\nlink set v0 name x0\nlink set x0 up'));
  await until('the pin has the new name', WITHIN_MS, () => isPinned('x0'));
  runsRenamed &&= isRunning('x0');
  renamedPins = readdirSync(paths.rootOnly).filter((pin) => /^link_[vx]/.test(pin));
  zoneRenamed &&= zoneOf('x0') === zone;
  batch('link set x0 down\nlink set x0 name v0\nlink set v0 up');
  await until('the pin has the old name', WITHIN_MS, () => isPinned('v0'));
  await delay(ROUNDS > 3 ? REST_MS : 0);
}

// Two that swap their names keep their zones: the redirects move.
const zonesOfW = [zoneOf('w0'), zoneOf('w1')];
const isPinOf = (name: string): boolean =>
  isPinned(name) && linkIfindex(native, paths.link(name)) === linkOf(name)?.ifindex;
batch('link set w0 down\nlink set w1 down\nlink set w0 name w9\nlink set w1 name w0\nlink set w9 name w1');
await until('the pins are swapped', WITHIN_MS, () => isPinOf('w0') && isPinOf('w1'));
const swapped = [isRunning('w0'), isRunning('w1'), zoneOf('w0') === zonesOfW[1], zoneOf('w1') === zonesOfW[0]];

// Moved to another network namespace, where the program has no business, and back.
const elsewhere = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' });
const there = (line: string): Promise<string> => sh(`nsenter --net=/proc/${elsewhere.pid}/ns/net ${line}`);
await until(
  'there is another namespace',
  WITHIN_MS,
  async () => (await sh(`readlink /proc/${elsewhere.pid}/ns/net`)) !== (await sh('readlink /proc/self/ns/net')),
);
const moved: number[] = [];
let carried = '';
for (let round = 0; round < ROUNDS; round += 1) {
  batch(`link set v0 netns ${elsewhere.pid}`);
  await says('v0', 'moved to another network namespace; the program was taken off it');
  await until('it is without a program there', WITHIN_MS, async () => {
    carried = await there('ip link show v0');
    return !carried.includes('xdp');
  });
  await there(`ip link set v0 netns ${process.pid}`);
  moved.push(await unredirectedMs('link set v0 up'));
  await delay(ROUNDS > 3 ? REST_MS : 0);
}
const ended = once(elsewhere, 'exit');
elsewhere.kill();
await ended;
const backInZone = zoneOf('v0') === zone;

// What a pattern means, and is left alone.
using strange = new LoadedProgram();
make('wport', 'wfree', 'wbusy');
const foreign = must('foreign', native.linkCreateXdp(strange.program, linkOf('wbusy')?.ifindex ?? 0, 2));
batch(
  'link add br0 type bridge\nlink set wport master br0\ntuntap add dev wtun mode tun\ntuntap add dev wtap mode tap',
);
await runs('wfree');
const leftAlone: Record<string, unknown> = {};
for (const name of ['wport', 'wbusy', 'wtun', 'wtap'])
  leftAlone[name] = isPinned(name) || (await says(name, 'left alone')).why?.replace(/id \d+/, 'id N');
native.close(foreign);

// There is room for fifteen: v0, late, w0, w1, wfree, wbusy once it is free, and nine more.
const more = Array.from({ length: 9 }, (_, at) => `wm${at}`);
remove('wport', 'wtun', 'wtap');
make(...more);
await Promise.all(more.map(runs));
await runs('wbusy');
make('wz');
const excess = (await says('wz', 'left alone')).why;
const full = refusal(() =>
  attachChosen(native, { ...other, wanted: { interfaces: ['l*', 'w*', 'v*'], allEthernet: false } }),
);
remove('wm0');
await runs('wz');
const freed = !isPinned('wm0');

const status = await watch.stop();
const stays = ['v0', 'late', 'wz'].every((name) => isRunning(name) && isPinned(name));
const only = (pattern: string) => ({ ...other, wanted: { interfaces: [pattern], allEthernet: false } });
const idle = refusal(() => attachChosen(native, only('nothing*')));
const chosen = attachChosen(native, only('[bl]*'));
detach(native, pinRoot, []);
kernel[Symbol.dispose]();
rmSync(parent, { recursive: true });
printResult({
  ...{ waited, loopback, refusals, renamedPins, leftAlone, excess, full, status, idle },
  stands: { sameZone, keptZone, runsRenamed, zoneRenamed, swapped: swapped.every(Boolean), backInZone, freed, stays },
  times: { anew, renamed, moved },
  chosen: { names: chosen.interfaces.map(({ name }) => name), skipped: chosen.skipped },
});
