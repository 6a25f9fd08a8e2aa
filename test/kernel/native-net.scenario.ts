/** What the addon says inside a namespace of its own: run by native-net.test.ts, one scenario a process. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { type LinkHandle, loadNative, type NetLink, type ProgramHandle } from '../../native/index.ts';
import { BpfObject } from '../support/bpf-object.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';

const native = loadNative();
const ip = (...args: string[]) => execFileSync('ip', args);
const address4 = Uint8Array.of(192, 0, 2, 7);
const address6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7);
const NATIVE_MODE = 4;
const GENERIC_MODE = 2;

function findLink(name: string): NetLink {
  return must(name, native.netLinks().items.find((link) => link.name === name) ?? -19);
}

/** A pair snat0/snat1, both up, with addresses on the first. */
function makeVeth(): { snat0: NetLink; snat1: NetLink } {
  const macs = ['02:00:00:00:00:01', '02:00:00:00:00:02'] as const;
  ip('link', 'add', 'snat0', 'mtu', '1400', 'address', macs[0], 'type', 'veth', 'peer', 'snat1', 'address', macs[1]);
  ip('link', 'set', 'snat1', 'up');
  ip('link', 'set', 'snat0', 'up');
  ip('address', 'add', '192.0.2.1/24', 'dev', 'snat0');
  ip('address', 'add', '2001:db8::1/64', 'dev', 'snat0', 'nodad');
  return { snat0: findLink('snat0'), snat1: findLink('snat1') };
}

function loadPrograms(): { pass: ProgramHandle; drop: ProgramHandle } {
  using source = new BpfObject(`
    SEC("xdp") int pass(struct xdp_md *ctx) { return XDP_PASS; }
    SEC("xdp") int drop(struct xdp_md *ctx) { return XDP_DROP; }
    char LICENSE[] SEC("license") = "GPL";`);
  const object = must('objectOpen', native.objectOpen(source.path));
  native.objectLoad(object);
  const take = (name: string) => must(name, native.objectProgram(object, name));
  const programs = { pass: take('pass'), drop: take('drop') };
  native.close(object);
  return programs;
}

const idOf = (program: ProgramHandle) => must('programInfo', native.programInfo(program)).id;

/** A bpffs of this process's own mount namespace. */
function mountBpf(): { path: (name: string) => string; rc: number } & Disposable {
  const root = mkdtempSync(join(tmpdir(), 'snat-bpf-'));
  const dir = join(root, 'bpf');
  mkdirSync(dir);
  const rc = native.mountBpf(dir);
  const dispose = () => {
    execFileSync('umount', [dir]);
    rmSync(root, { recursive: true });
  };
  return { path: (name) => join(dir, name), rc, [Symbol.dispose]: dispose };
}

const scenarios: Record<string, () => unknown> = {
  links() {
    const { snat0, snat1 } = makeVeth();
    for (const state of ['down', 'up', 'down', 'up']) ip('link', 'set', 'snat1', state);
    return { snat0, snat1, loopback: findLink('lo'), lost: findLink('snat0').carrierDowns - snat0.carrierDowns };
  },

  attach() {
    const { snat0 } = makeVeth();
    const { pass, drop } = loadPrograms();
    const link = must('linkCreateXdp', native.linkCreateXdp(pass, snat0.ifindex, NATIVE_MODE));
    const second = native.linkCreateXdp(drop, snat0.ifindex, NATIVE_MODE);
    const before = must('linkInfo', native.linkInfo(link));
    const attached = findLink('snat0');
    const updated = native.linkUpdate(link, drop);
    const after = must('linkInfo', native.linkInfo(link));
    const generic = must('generic', native.linkCreateXdp(pass, findLink('snat1').ifindex, GENERIC_MODE));
    const genericMode = findLink('snat1').xdpMode;
    native.close(generic);
    const closedMode = findLink('snat1').xdpMode;
    ip('link', 'del', 'snat0');
    const gone = must('linkInfo', native.linkInfo(link)).ifindex;
    return {
      second,
      mode: attached.xdpMode,
      programShown: attached.xdpProgramId === idOf(pass),
      sameInterface: before.ifindex === snat0.ifindex,
      updated,
      sameLink: before.id === after.id,
      replaced: after.programId === idOf(drop),
      genericMode,
      closedMode,
      gone,
      updateGone: native.linkUpdate(link, pass),
      detachGone: native.linkDetach(link),
      unknownNetdev: native.linkCreateXdp(pass, 9999, NATIVE_MODE),
    };
  },

  pins() {
    const { snat0 } = makeVeth();
    const { pass } = loadPrograms();
    using bpffs = mountBpf();
    const map = must('mapCreate', native.mapCreate(1, 'snat', 4, 8, 4, 0));
    const link = must('link', native.linkCreateXdp(pass, snat0.ifindex, NATIVE_MODE));
    const pinned = [
      native.mapPin(map, bpffs.path('map')),
      native.programPin(pass, bpffs.path('program')),
      native.linkPin(link, bpffs.path('link')),
    ];
    native.close(link);
    const stillAttached = findLink('snat0').xdpMode;
    const reopened = must('linkOpen', native.linkOpen(bpffs.path('link')));
    const readOnly = must('mapOpen', native.mapOpen(bpffs.path('map'), true));
    const again = must('mapOpen', native.mapOpen(bpffs.path('map'), false));
    const program = must('programOpen', native.programOpen(bpffs.path('program')));
    return {
      mount: bpffs.rc,
      pinned,
      twice: native.mapPin(map, bpffs.path('map')),
      plainDirectory: native.mapPin(map, join(tmpdir(), 'snat-not-bpffs')),
      stillAttached,
      reopened: must('linkInfo', native.linkInfo(reopened)).programId === idOf(pass),
      readOnlyWrite: native.mapUpdateElem(readOnly, new Uint8Array(4), new Uint8Array(8), 0),
      write: native.mapUpdateElem(again, new Uint8Array(4), new Uint8Array(8), 0),
      readOnlySees: native.mapDump(readOnly, 0).count,
      sameProgram: idOf(program) === idOf(pass),
      wrongKind: [
        native.mapOpen(bpffs.path('program'), false),
        native.mapOpen(bpffs.path('link'), false),
        native.programOpen(bpffs.path('link')),
        native.programOpen(bpffs.path('map')),
        native.linkOpen(bpffs.path('map')),
        native.linkOpen(bpffs.path('program')),
      ],
      absent: native.mapOpen(bpffs.path('absent'), false),
      detached: native.linkDetach(reopened),
      modeAfterDetach: findLink('snat0').xdpMode,
      ifindexAfterDetach: must('linkInfo', native.linkInfo(reopened)).ifindex,
      updateAfterDetach: native.linkUpdate(reopened, pass),
      closed: ((closed: LinkHandle) => {
        native.close(closed);
        return [
          native.linkPin(closed, bpffs.path('closed')),
          native.linkUpdate(closed, pass),
          native.linkDetach(closed),
          native.linkInfo(closed),
        ];
      })(reopened),
    };
  },

  features() {
    const { snat0 } = makeVeth();
    const { pass } = loadPrograms();
    const of = (ifindex: number) => native.netFeatures().items.find((item) => item.ifindex === ifindex)?.xdp;
    const before = of(snat0.ifindex);
    must('link', native.linkCreateXdp(pass, findLink('snat1').ifindex, NATIVE_MODE));
    return { rc: native.netFeatures().rc, before, peerAttached: of(snat0.ifindex) };
  },

  routes() {
    const { snat0 } = makeVeth();
    ip('route', 'add', '198.51.100.0/24', 'via', '192.0.2.9', 'mtu', '1300');
    ip('route', 'add', '203.0.113.0/24', 'via', 'inet6', '2001:db8::9', 'dev', 'snat0');
    ip('route', 'add', 'blackhole', '203.0.114.0/24');
    ip('route', 'add', '203.0.116.0/24', 'nexthop', 'via', '192.0.2.9', 'nexthop', 'via', '192.0.2.10');
    ip('link', 'set', 'lo', 'up');
    ip('nexthop', 'add', 'id', '1', 'via', '192.0.2.9', 'dev', 'snat0');
    ip('nexthop', 'add', 'id', '2', 'via', '192.0.2.10', 'dev', 'snat0');
    ip('nexthop', 'add', 'id', '3', 'group', '1/2');
    ip('nexthop', 'add', 'id', '4', 'blackhole');
    ip('route', 'add', '203.0.117.0/24', 'nhid', '3');
    ip('route', 'add', 'unreachable', '203.0.115.0/24');
    const get = (...bytes: number[]) => native.netRouteGet(Uint8Array.from(bytes), 0);
    return {
      ifindex: snat0.ifindex,
      onLink: get(192, 0, 2, 7),
      routed: get(198, 51, 100, 1),
      viaV6: get(203, 0, 113, 1),
      local: get(192, 0, 2, 1),
      none: get(8, 8, 8, 8),
      multipath: get(203, 0, 116, 1),
      group: get(203, 0, 117, 1),
      nexthops: [1, 3, 4, 5].map((id) => native.netNexthopGet(id)),
      blackhole: get(203, 0, 114, 1).rc,
      unreachable: get(203, 0, 115, 1).rc,
      v6: native.netRouteGet(address6, 0),
      v6Bound: native.netRouteGet(address6, snat0.ifindex),
      elsewhere: native.netRouteGet(address4, 9999).rc,
    };
  },

  neighbours() {
    const { snat0 } = makeVeth();
    const entry = ['lladdr', '02:00:00:00:00:77', 'nud', 'permanent', 'dev', 'snat0'];
    ip('neighbour', 'add', '192.0.2.7', ...entry);
    ip('neighbour', 'add', '2001:db8::7', ...entry);
    const { rc, items } = native.netNeighbours();
    const ours = items.filter(({ ifindex, address }) => ifindex === snat0.ifindex && address[0] !== 0xff);
    const probed = native.netProbe(snat0.ifindex, Uint8Array.of(192, 0, 2, 99));
    const after = native.netNeighbours().items;
    return {
      rc,
      ours: ours.map(({ ifindex, ...rest }) => rest),
      probed,
      probing: after
        .filter(({ address }) => address[3] === 99 && address.length === 4)
        .map(({ mac, state }) => ({ mac, state })),
      probe6: native.netProbe(snat0.ifindex, address6),
      probeNowhere: native.netProbe(9999, address4),
    };
  },

  async notices() {
    const heard: { kinds: number; overrun: boolean }[] = [];
    const subscription = must(
      'netSubscribe',
      native.netSubscribe((kinds, overrun) => heard.push({ kinds, overrun })),
    );
    const hear = async (change: () => unknown): Promise<number> => {
      heard.length = 0;
      change();
      const deadline = Date.now() + 2000;
      while (heard.length === 0 && Date.now() < deadline) await turn();
      return heard.reduce((kinds, notice) => kinds | notice.kinds, 0);
    };
    const links = await hear(makeVeth);
    const settle = async () => {
      for (let quiet = Date.now(); Date.now() - quiet < 300; await turn())
        if (heard.splice(0).length > 0) quiet = Date.now();
    };
    await settle();
    const neighbour = await hear(() =>
      ip('neighbour', 'add', '192.0.2.9', 'lladdr', '02:00:00:00:00:09', 'dev', 'snat0'),
    );
    await settle();
    const route = await hear(() => ip('route', 'add', '198.51.100.0/24', 'via', '192.0.2.9'));
    await settle();
    const address = await hear(() => ip('address', 'add', '192.0.2.2/24', 'dev', 'snat0'));
    await settle();
    const features = await hear(() => execFileSync('ethtool', ['-K', 'snat1', 'gro', 'on']));
    await settle();
    const burst = async (): Promise<number> => {
      heard.length = 0;
      execFileSync('ip', ['-batch', '-'], {
        input: Array.from({ length: 200 }, (_, i) => `route add 10.0.${i}.0/24 dev snat0`).join('\n'),
      });
      await turn();
      await turn();
      return heard.length;
    };
    const callsForBurst = await burst();
    native.close(subscription);
    native.close(subscription);
    const afterClose = await Promise.race([hear(() => ip('link', 'del', 'snat0')), turn().then(() => 0)]);
    return { links, neighbour, route, address, features, callsForBurst, afterClose };
  },

  async overrun() {
    const heard: boolean[] = [];
    makeVeth();
    must(
      'netSubscribe',
      native.netSubscribe((_, overrun) => heard.push(overrun)),
    );
    const line = (i: number) => `route add 10.${i >> 8}.${i & 255}.0/24 dev snat0`;
    execFileSync('ip', ['-batch', '-'], { input: Array.from({ length: 30_000 }, (_, i) => line(i)).join('\n') });
    const deadline = Date.now() + 2000;
    while (heard.length === 0 && Date.now() < deadline) await turn();
    return { lost: heard[0], calls: heard.length };
  },
};

printResult(await scenarios[process.argv[2] ?? '']?.());
