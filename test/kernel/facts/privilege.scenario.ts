/**
 * What a process without any privilege can do with what root pinned: `privilege.scenario.ts` as root, in namespaces of
 * its own. It makes the pins, and starts itself again as the owner of the maps and as somebody else, both with an empty
 * bounding set and no_new_privs.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AnyHandle, loadNative } from '../../../native/index.ts';
import { must } from '../../support/must.ts';
import { printResult } from '../../support/netns.ts';
import { LoadedSource, u32, u64 } from './loaded-source.ts';
import { OwnBpffs } from './own-bpffs.ts';

const native = loadNative();
const OWNER = 65534;
const STRANGER = 65533;
const HASH = 1;
const NATIVE_MODE = 4;
const LOOPBACK = 1;
const MAPS = ['table', 'memory', 'ports'];
const PINS = [...MAPS, 'clock', 'program', 'link'];
const SOURCE = `
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); }
  table SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(map_flags, BPF_F_MMAPABLE); __uint(max_entries, 1);
  __type(key, __u32); __type(value, __u64); } memory SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_DEVMAP_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u32); }
  ports SEC(".maps");
SEC("socket") int clock(struct __sk_buff *skb) { skb->cb[0] = 42; return 0; }
SEC("xdp") int program(struct xdp_md *ctx) { return XDP_PASS; }`;

const CHECKOUT = join(import.meta.dirname, '../../..');
const HERE = relative(CHECKOUT, fileURLToPath(import.meta.url));

/** The checkout and Node.js where every user can go, in this mount namespace: they may lie below a closed folder. */
class Reachable implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'shunt-facts-'));
  readonly node = join(this.#folder, 'node');
  readonly #checkout = join(this.#folder, 'checkout');
  readonly module = join(this.#checkout, HERE);

  constructor() {
    chmodSync(this.#folder, 0o755);
    mkdirSync(this.#checkout);
    writeFileSync(this.node, '');
    execFileSync('mount', ['--bind', CHECKOUT, this.#checkout]);
    execFileSync('mount', ['--bind', process.execPath, this.node]);
  }

  [Symbol.dispose](): void {
    execFileSync('umount', [this.node, this.#checkout]);
    rmSync(this.node);
    rmdirSync(this.#checkout);
    rmdirSync(this.#folder);
  }
}

/** Runs this module as a user who can gain nothing. `inside`: commands that make namespaces of the user's own. */
function runAs(user: number, role: string, root: string, inside: readonly string[] = []): unknown {
  using reachable = new Reachable();
  const drop = ['--reuid', `${user}`, '--regid', `${user}`, '--clear-groups', '--bounding-set', '-all'];
  const self = [reachable.node, reachable.module, role, root];
  const { status, stdout, stderr } = spawnSync('setpriv', [...drop, '--no-new-privs', ...inside, ...self], {
    cwd: '/',
    encoding: 'utf8',
  });
  return status === 0 ? JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') : { failed: stderr };
}

const open = (opened: AnyHandle | number): number => {
  if (typeof opened === 'number') return opened;
  native.close(opened);
  return 0;
};
const openAll = (root: string) => ({
  maps: MAPS.map((name) => open(native.mapOpen(join(root, name), false))),
  clock: open(native.programOpen(join(root, 'clock'))),
  program: open(native.programOpen(join(root, 'program'))),
  link: open(native.linkOpen(join(root, 'link'))),
  folder: open(native.lockFolder(join(root, 'folder'))),
});

function refusal(work: () => unknown): string {
  try {
    work();
    return 'done';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** The words of a command that fails; `done` when it does not. */
function words(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? 'done' : (stdout + stderr).trim();
}

const roles: Record<string, (root: string) => unknown> = {
  owner(root) {
    const table = must('table', native.mapOpen(join(root, 'table'), false));
    const ports = must('ports', native.mapOpen(join(root, 'ports'), false));
    const memory = must('memory', native.mapMmap(must('memory', native.mapOpen(join(root, 'memory'), false)), true));
    const clock = must('clock', native.programOpen(join(root, 'clock')));
    const run = { dataIn: new Uint8Array(64), ctxIn: null, repeat: 1, dataOutSize: 0, ctxOutSize: 192 };
    const { rc: testRun, ctxOut } = native.programTestRun(clock, run);
    const subscription = native.netSubscribe(() => {});
    const { id } = must('info', native.mapInfo(table));
    const can = {
      update: native.mapUpdateElem(table, u32(1), u64(1), 0),
      lookup: open(typeof native.mapLookupElem(table, u32(1), 0) === 'number' ? -1 : 0),
      remove: native.mapDeleteElem(table, u32(1)),
      updateBatch: native.mapUpdateBatch(table, u32(1, 2), u64(1, 2), 2, 0).rc,
      dump: native.mapDump(table, 0).rc,
      deleteBatch: native.mapDeleteBatch(table, u32(1, 2), 2).rc,
      mmapStore: native.memoryStoreU32(memory, 0, 7),
      devmapUpdate: native.mapUpdateElem(ports, u32(LOOPBACK), u32(LOOPBACK), 0),
      testRun: testRun === 0 && ctxOut.includes(42) ? 0 : testRun,
      links: native.netLinks().rc,
      neighbours: native.netNeighbours().rc,
      features: native.netFeatures().rc,
      offloads: native.netOffloads(LOOPBACK, null).rc,
      route: native.netRouteGet(Uint8Array.of(127, 0, 0, 1), 0).rc,
      nexthop: native.netNexthopGet(1).rc,
      subscribe: open(subscription),
      membarrier: native.membarrierGlobal(),
    };
    return {
      can,
      seesProgram: native.netLinks().items.some(({ name, xdpProgramId }) => name === 'p0' && xdpProgramId !== 0),
      create: open(native.mapCreate(HASH, 'fact', 4, 8, 1, 0)),
      openById: words('bpftool', 'map', 'show', 'id', `${id}`),
      unlink: refusal(() => unlinkSync(join(root, 'table'))),
      writeNeighbour: words('ip', 'neighbour', 'add', '127.0.0.2', 'lladdr', '02:00:00:00:00:01', 'dev', 'p0'),
      switchOffload: native.netSetOffload(LOOPBACK, 'rx-gro', false),
      program: open(native.programOpen(join(root, 'program'))),
      link: open(native.linkOpen(join(root, 'link'))),
      folder: open(native.lockFolder(join(root, 'folder'))),
    };
  },
  stranger: openAll,
  /** In user and network namespaces of its own, where it is root of its own netdevs. */
  attacher(root) {
    execFileSync('ip', ['link', 'add', 'x0', 'type', 'veth', 'peer', 'x1']);
    const program = native.programOpen(join(root, 'program'));
    if (typeof program === 'number') return { opened: program };
    const ifindex = native.netLinks().items.find(({ name }) => name === 'x0')?.ifindex ?? 0;
    return { opened: 0, attached: open(native.linkCreateXdp(program, ifindex, NATIVE_MODE)) };
  },
  detacher(root) {
    const link = native.linkOpen(join(root, 'link'));
    return typeof link === 'number' ? link : native.linkDetach(link);
  },
  clockAttacher(root) {
    execFileSync('ip', ['link', 'add', 'x0', 'type', 'veth', 'peer', 'x1']);
    const clock = must('clock', native.programOpen(join(root, 'clock')));
    const ifindex = native.netLinks().items.find(({ name }) => name === 'x0')?.ifindex ?? 0;
    return open(native.linkCreateXdp(clock, ifindex, NATIVE_MODE));
  },
};

function observe(): unknown {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  execFileSync('ip', ['nexthop', 'add', 'id', '1', 'dev', 'lo']);
  execFileSync('ip', ['link', 'add', 'p0', 'type', 'veth', 'peer', 'p1']);
  using bpffs = new OwnBpffs();
  using source = new LoadedSource(SOURCE, { maps: MAPS, programs: ['clock', 'program'] });
  for (const name of MAPS) native.mapPin(source.map(name), bpffs.path(name));
  for (const name of ['clock', 'program']) native.programPin(source.program(name), bpffs.path(name));
  const ifindex = native.netLinks().items.find(({ name }) => name === 'p0')?.ifindex ?? 0;
  const link = must('link', native.linkCreateXdp(source.program('program'), ifindex, NATIVE_MODE));
  native.linkPin(link, bpffs.path('link'));
  for (const name of PINS) chmodSync(bpffs.path(name), 0o600);
  mkdirSync(bpffs.path('folder'), { mode: 0o700 });
  for (const name of [...MAPS, 'clock', 'folder']) chownSync(bpffs.path(name), OWNER, OWNER);
  const own = ['unshare', '--user', '--map-root-user', '--net'];
  const result = {
    owner: runAs(OWNER, 'owner', bpffs.root),
    stranger: runAs(STRANGER, 'stranger', bpffs.root),
    attachClosed: runAs(STRANGER, 'attacher', bpffs.root, own),
    attachClock: runAs(OWNER, 'clockAttacher', bpffs.root, own),
  };
  native.close(link);
  for (const name of ['program', 'link']) chmodSync(bpffs.path(name), 0o666);
  const attachOpen = runAs(STRANGER, 'attacher', bpffs.root, own);
  return { ...result, attachOpen, detachOpen: runAs(STRANGER, 'detacher', bpffs.root) };
}

const role = process.argv[2];
printResult(role === undefined ? observe() : roles[role]?.(process.argv[3] ?? ''));
