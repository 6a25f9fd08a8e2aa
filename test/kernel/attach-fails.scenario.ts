/** The loader where a driver refuses the program: what it answers, and what it leaves, as one JSON document. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AttachOptions, attach } from '../../agent/attach/attach.ts';
import { detach } from '../../agent/attach/detach.ts';
import { loadNative, type Native } from '../../native/index.ts';
import { printResult } from '../support/netns.ts';

const ERRNO = { EOPNOTSUPP: 95, EINVAL: 22, ENOMEM: 12, EBUSY: 16 } as const;
const NATIVELY = 4;
const JUMBO = 9000;

const native = loadNative();
const parent = mkdtempSync(join(tmpdir(), 'shunt-attach-fails-'));
const at = (...names: readonly string[]): string => join(parent, ...names);
const sh = (line: string): string => execFileSync('sh', ['-ec', line], { cwd: parent, encoding: 'utf8' });
for (const name of ['in', 'out', 'big']) {
  sh(`ip link add ${name}0 type veth peer ${name}1; ip link set ${name}0 up; ip link set ${name}1 up`);
  sh(`ethtool -K ${name}0 gro on; ethtool -K ${name}1 gro on`);
}
// A veth takes no program without fragments natively while its far end sends more than a page (drivers/net/veth.c).
sh(`ip link set big1 mtu ${JUMBO}`);

/** The native addon over a driver that refuses with an errno. */
function refusing(errno: keyof typeof ERRNO): Native {
  return {
    ...native,
    linkCreateXdp: (program, ifindex, flags) =>
      flags === NATIVELY ? -ERRNO[errno] : native.linkCreateXdp(program, ifindex, flags),
  };
}

const options = {
  interfaces: ['in0'],
  mode: 'auto',
  maxRedirects: 64,
  acceptPrivatePins: true,
  acceptHiddenTags: true,
} as const;
const attachAt = (pinRoot: string, more: Partial<AttachOptions> = {}, driver = native) =>
  attach(driver, { ...options, pinRoot, ...more });

/** All files with what is theirs, mounts, programs on interfaces and their offloads. */
function standing(): string {
  const files = sh("find . -printf '%p %u %m\\n' | sort");
  const mounts = sh("grep -F shunt-attach-fails- /proc/self/mounts | cut -d' ' -f1-3 || true");
  const links = sh("ip -o link | grep -o '^[0-9]*: [a-z0-9]*\\|prog/xdp id [0-9]*'");
  const offloads = sh('for name in in0 out0 big0; do ethtool -k "$name" | grep vlan; done');
  return [files, mounts, links, offloads].join('\n');
}

/** What a failed `attach` says, and whether it left everything as it was. */
function fails(act: () => unknown): { said: string; left: string } {
  const before = standing();
  let said = 'done';
  try {
    act();
  } catch (error) {
    said = (error as Error).message.replaceAll(parent, '…');
  }
  const after = standing();
  return { said, left: after === before ? '' : `${before}\n---\n${after}` };
}

const natively = { mode: 'native', interfaces: ['big0'] } as const;
const failed: Record<string, unknown> = {};
failed['the first'] = fails(() => attachAt(at('bpf'), natively));
failed['the first, in folders that are not there'] = fails(() => attachAt(at('run', 'shunt', 'bpf'), natively));
failed['the first of two'] = fails(() => attachAt(at('bpf'), { ...natively, interfaces: ['in0', 'big0'] }));
failed['the first, for maps that RAM does not hold'] = fails(() => attachAt(at('bpf'), { maxRedirects: 2 ** 31 }));
failed['the first, in auto mode'] = fails(() => attachAt(at('bpf'), {}, refusing('EBUSY')));
sh('mkdir theirs && mount -t bpf bpf theirs && mkdir -m 700 theirs/agent && chown nobody theirs/agent');
failed['below a claim that was there'] = fails(() => attachAt(at('theirs'), natively));
mkdirSync(at('empty'));
failed['in a folder that was there'] = fails(() => attachAt(at('empty'), natively));

// A set that stands, as an older loader left it: without the claim, the memory of tags, and what watches losses.
attachAt(at('bpf'));
sh('rmdir bpf/agent; rm bpf/v2/tags bpf/v2/root/tp_*');
failed['one more'] = fails(() => attachAt(at('bpf'), natively));
failed['two more'] = fails(() => attachAt(at('bpf'), { ...natively, interfaces: ['out0', 'big0'] }));
const more = attachAt(at('bpf'), { interfaces: ['in0', 'out0'] }).interfaces.map(({ name, changed }) => [
  name,
  changed,
]);
detach(native, at('bpf'), []);

const instead: Record<string, unknown> = {};
for (const errno of ['EOPNOTSUPP', 'EINVAL', 'ENOMEM'] as const) {
  const { interfaces } = attachAt(at('bpf'), {}, refusing(errno));
  instead[errno] = interfaces.map(({ mode, why }) => [mode, why]);
  detach(native, at('bpf'), []);
}
const jumbo = attachAt(at('bpf'), { interfaces: ['big0'] }).interfaces.map(({ mode, why }) => [mode, why]);
const detached = detach(native, at('bpf'), []);

// Pins without an interface, as an older loader left them when it failed.
attachAt(at('bpf'));
sh('rm bpf/v2/root/link_in0');
const idle = detach(native, at('bpf'), []);
const nothing = detach(native, at('bpf'), []);
sh('umount theirs');
const left = readdirSync(parent).filter((name) => statSync(at(name)).isDirectory());
rmSync(parent, { recursive: true });
printResult({ failed, more, instead, jumbo, removed: [detached, idle, nothing].map((it) => it.removed), left });
