/** Offloads as the addon reads and sets them, here and in another namespace; run by native-offloads.test.ts. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { loadNative, type NetLink } from '../../native/index.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';
import { until } from '../support/process.ts';

const native = loadNative();
const LOOPBACK = 1;
const NO_SUCH = 9999;
const own = readlinkSync('/proc/self/ns/net');
const ip = (words: string): unknown => execFileSync('ip', words.split(' '));
const rxVlan = (names: readonly string[]): string[] => names.filter((name) => name.startsWith('rx-vlan')).sort();
const find = (name: string): NetLink => must(name, native.netLinks().items.find((link) => link.name === name) ?? -19);

// A namespace that has no name, held by a process.
const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
const netns = `/proc/${holder.pid}/ns/net`;
await until('another namespace', 120_000, () => readlinkSync(netns) !== own);
ip('link add near0 type veth peer near1');
ip(`link add far0 type veth peer name far1 netns ${holder.pid}`);

const { ifindex } = find('near0');
const { link, linkNamespace } = find('far0');
const before = native.netOffloads(ifindex, null);
const rc = native.netSetOffload(ifindex, 'rx-vlan-hw-parse', false);
const off = native.netOffloads(ifindex, null);
const again = native.netSetOffload(ifindex, 'rx-vlan-hw-parse', true);
const far = native.netOffloads(link, netns);
const result = {
  before: [before.rc, before.name, rxVlan(before.active), rxVlan(before.changeable)],
  off: [rc, rxVlan(off.active), rxVlan(off.changeable)],
  on: [again, rxVlan(native.netOffloads(ifindex, null).active)],
  far: [far.rc, far.name, far.active.includes('tx-vlan-hw-insert')],
  ids: {
    near: find('near0').linkNamespace,
    far: linkNamespace === native.netNamespaceId(netns).id,
    own: native.netNamespaceId('/proc/self/ns/net'),
  },
  stillHere: readlinkSync('/proc/self/ns/net') === own && find('near0').ifindex === ifindex,
  fixed: [native.netSetOffload(LOOPBACK, 'rx-vlan-hw-parse', true), rxVlan(native.netOffloads(LOOPBACK, null).active)],
  refused: [
    native.netOffloads(NO_SUCH, null).rc,
    native.netSetOffload(NO_SUCH, 'rx-vlan-hw-parse', true),
    native.netSetOffload(ifindex, 'no-such-offload', true),
    native.netOffloads(ifindex, '/nonexistent/netns').rc,
    native.netOffloads(ifindex, '/proc/self/status').rc,
    native.netNamespaceId('/nonexistent/netns').rc,
  ],
};
const ended = once(holder, 'exit');
holder.kill('SIGKILL');
await ended;
printResult(result);
