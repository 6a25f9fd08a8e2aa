/** The loader in namespaces of its own: what it answers and what stands afterwards, as one JSON document. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attach } from '../../agent/attach/attach.ts';
import { detach } from '../../agent/attach/detach.ts';
import { prospect } from '../../agent/attach/prospect.ts';
import { examineInterfaces } from '../../agent/doctor/interfaces.ts';
import { NativeKernel } from '../../agent/kernel/native-kernel.ts';
import { findAbout } from '../../agent/kernel/open-maps.ts';
import { pinPaths, STANDING } from '../../agent/kernel/pins.ts';
import { NO_MAC } from '../../agent/model/entry.ts';
import { loadNative } from '../../native/index.ts';
import { parseMatch } from '../../protocol/match.ts';
import { printResult } from '../support/netns.ts';

const native = loadNative();
const parent = mkdtempSync(join(tmpdir(), 'shunt-attach-'));
chmodSync(parent, 0o755);
const pinRoot = join(parent, 'bpf');
const ip = (...words: string[]): void => void execFileSync('ip', words);
const makeLink = (): void => {
  ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
  ip('link', 'set', 'v0', 'up');
  ip('link', 'set', 'v1', 'up');
};
const options = {
  interfaces: ['v0'],
  owner: { uid: 65534, gid: 65534 },
  mode: 'auto',
  pinRoot,
  maxRedirects: 64,
  acceptPrivatePins: true,
} as const;
const refusal = (act: () => unknown): string => {
  try {
    act();
    return 'accepted';
  } catch (error) {
    return (error as Error).message.replaceAll(parent, '…');
  }
};
const modes = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder).map((name) => {
      const { uid, gid, mode } = statSync(join(folder, name));
      return [name, `${uid}:${gid} ${(mode & 0o777).toString(8)}`];
    }),
  );

makeLink();
const { memoryBytes, pinRoot: _, ...foreseen } = prospect(native, options);
const untouched = !existsSync(pinRoot);
const first = attach(native, options);
const { maps, program } = prospect(native, { ...options, maxRedirects: 128 });
const otherwise = { maps, switches: program.switches, isSame: program.from?.version === program.to.version };
const second = attach(native, options);
const pins = { layout: modes(join(pinRoot, STANDING)), root: modes(join(pinRoot, STANDING, 'root')) };
const otherMode = refusal(() => attach(native, { ...options, mode: 'native' }));
const otherOwner = refusal(() => attach(native, { ...options, owner: { uid: 0, gid: 0 } }));
const notThere = refusal(() => detach(native, pinRoot, ['v0,v1']));
const noInterface = refusal(() => attach(native, { ...options, interfaces: ['v0', 'nope'] }));

const zones: number[] = [];
for (let round = 0; round < 20; round += 1) {
  ip('link', 'del', 'v0');
  makeLink();
  attach(native, options);
  const kernel = new NativeKernel(native, pinRoot);
  zones.push(kernel.net.network().netdevs.find((dev) => dev.name === 'v0')?.zone ?? 0);
  kernel[Symbol.dispose]();
}

// A zone is that of a name: interfaces that are made anew find theirs again, in any order, whoever came meanwhile.
const makeAnew = (...names: string[]): void => {
  for (const name of names) {
    if (existsSync(`/sys/class/net/${name}`)) ip('link', 'del', name);
    ip('link', 'add', name, 'type', 'veth', 'peer', `${name}p`);
  }
};
const attachTo = (...interfaces: string[]): unknown => attach(native, { ...options, interfaces });
const zoneOf = (name: string): number => {
  using kernel = new NativeKernel(native, pinRoot);
  return kernel.net.network().netdevs.find((dev) => dev.name === name)?.zone ?? 0;
};
makeAnew('w0', 'w1', 'w2');
attachTo('w0', 'w1');
const zonesBefore = [zoneOf('w0'), zoneOf('w1')];
ip('link', 'del', 'w0');
ip('link', 'del', 'w1');
attachTo('w2');
makeAnew('w0', 'w1');
attachTo('w1');
attachTo('w0');
const named = { before: zonesBefore, after: [zoneOf('w0'), zoneOf('w1')], other: zoneOf('w2') };
detach(native, pinRoot, ['w2']);

// Of several that are gone nobody knows who had which zone where a loader of a release before attached them: none takes
// one in which entries of another stand.
const [zone0, zone1] = [zoneOf('w0'), zoneOf('w1')];
using held = new NativeKernel(native, pinRoot);
const match = parseMatch({ dst: '203.0.113.1' });
const value = {
  rev: 1,
  until: 0n,
  slot: 1,
  action: 'drop',
  ifindex: 0,
  keepTtl: false,
  mtu: 0,
  dmac: NO_MAC,
  smac: NO_MAC,
} as const;
const wrote = held.entries.apply([{ op: 'write', id: 'x', key: { match, zone: zone0 }, value }]);
makeAnew('w0', 'w1');
unlinkSync(join(pinRoot, STANDING, 'zones'));
attachTo('w1');
const strangers = { wrote, differ: zone0 !== zone1, took: zoneOf('w1') === zone0 };
detach(native, pinRoot, ['w0', 'w1']);

/** What doctor says of interfaces that are gone. */
function missing(): readonly string[] {
  const about = findAbout(native, pinPaths(pinRoot));
  const found = examineInterfaces(native, pinRoot, typeof about === 'number' ? undefined : about);
  return found.filter((one) => one.found.includes('is gone')).map((one) => `${one.found}: ${one.mend}`);
}

// Fifteen have room. Where one of them is gone, another takes its zone, unless entries stand in it.
const many = Array.from({ length: 15 }, (_, at) => `m${at}`);
makeAnew('m15', ...many);
detach(
  native,
  pinRoot,
  ['v0', 'w0', 'w1'].filter((name) => existsSync(join(pinRoot, STANDING, 'root', `link_${name}`))),
);
attachTo(...many);
const full = refusal(() => attachTo('m15'));
using filled = new NativeKernel(native, pinRoot);
filled.entries.apply([{ op: 'write', id: 'x', key: { match, zone: zoneOf('m3') }, value }]);
ip('link', 'del', 'm3');
const missed = missing();
const named3 = refusal(() => attachTo('m15'));
ip('link', 'del', 'm5');
const taken = refusal(() => attachTo('m15'));
const room = { full, missed, named3, taken, left: existsSync(join(pinRoot, STANDING, 'root', 'link_m5')) };
filled[Symbol.dispose]();
held[Symbol.dispose]();

// Maps whose pins are others now are not kept converged: no packet would meet them.
const stale = new NativeKernel(native, pinRoot);
stale.net.network();
detach(native, pinRoot, []);
const gone = refusal(() => stale.net.network());
attach(native, options);
const others = refusal(() => stale.net.network());
stale[Symbol.dispose]();

// A set of pins that is not whole is said to be so, and detach clears it.
unlinkSync(join(pinRoot, STANDING, 'redirect4'));
const incomplete = refusal(() => attach(native, options));
const detached = detach(native, pinRoot, []);
const again = detach(native, pinRoot, []);
const left = existsSync(pinRoot);
execFileSync('rm', ['-rf', parent]);
printResult({
  ...{ foreseen, untouched, otherwise, foreseenBytes: memoryBytes === first.memoryBytes },
  changed: [first.changed, second.changed],
  first: first.interfaces,
  pins,
  refusals: { otherMode, otherOwner, noInterface, notThere, gone, others, incomplete },
  zones: [...new Set(zones)],
  named,
  strangers,
  room,
  detached: [detached.detached, again.detached],
  left,
});
