/** The loader in namespaces of its own: what it answers and what stands afterwards, as one JSON document. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attach, detach } from '../../agent/attach/attach.ts';
import { NativeKernel } from '../../agent/kernel/native-kernel.ts';
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
const first = attach(native, options);
const second = attach(native, options);
const pins = { layout: modes(join(pinRoot, 'v1')), root: modes(join(pinRoot, 'v1', 'root')) };
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

// Of several that are gone nobody knows who had which zone: none takes one in which entries of another stand.
for (const name of ['w0', 'w1']) ip('link', 'add', name, 'type', 'veth', 'peer', `${name}p`);
attach(native, { ...options, interfaces: ['w0', 'w1'] });
const zoneOf = (name: string): number => {
  using kernel = new NativeKernel(native, pinRoot);
  return kernel.net.network().netdevs.find((dev) => dev.name === name)?.zone ?? 0;
};
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
for (const name of ['w0', 'w1']) {
  ip('link', 'del', name);
  ip('link', 'add', name, 'type', 'veth', 'peer', `${name}p`);
}
attach(native, { ...options, interfaces: ['w1'] });
const strangers = { wrote, differ: zone0 !== zone1, took: zoneOf('w1') === zone0 };
detach(native, pinRoot, ['w0', 'w1']);
held[Symbol.dispose]();

// Maps whose pins are others now are not kept converged: no packet would meet them.
const stale = new NativeKernel(native, pinRoot);
detach(native, pinRoot, []);
const gone = refusal(() => stale.net.network());
attach(native, options);
const others = refusal(() => stale.net.network());
stale[Symbol.dispose]();

// A set of pins that is not whole is said to be so, and detach clears it.
unlinkSync(join(pinRoot, 'v1', 'redirect4'));
const incomplete = refusal(() => attach(native, options));
const detached = detach(native, pinRoot, []);
const again = detach(native, pinRoot, []);
const left = existsSync(pinRoot);
execFileSync('rm', ['-rf', parent]);
printResult({
  changed: [first.changed, second.changed],
  first: first.interfaces,
  pins,
  refusals: { otherMode, otherOwner, noInterface, notThere, gone, others, incomplete },
  zones: [...new Set(zones)],
  strangers,
  detached: [detached.detached, again.detached],
  left,
});
