import { readFileSync } from 'node:fs';
import { chown, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { STANDING } from '../../agent/kernel/pins.ts';
import { Namespaces } from './namespaces.ts';
import { type Ended, must, Running, run } from './process.ts';

/** This checkout. */
export const ROOT = join(import.meta.dirname, '../..');
export const NOBODY = 65534;

const HOST_PLACES = ['a', 'b', 'c'] as const;
const PLACES = ['b', 'a', 'c', 'bus'] as const;
export type Place = (typeof PLACES)[number];

/** Who is where. A asks the service; B is the host that steers, and serves; C serves the same address. */
export const A = { v4: '198.51.100.10', v6: '2001:db8:a::10' } as const;
export const C = { v4: '192.0.2.2', v6: '2001:db8:c::2', mac: '02:00:00:00:0c:02' } as const;
export const SERVICE = { v4: '203.0.113.10', v6: '2001:db8:5::10' } as const;
export const HOST = 'b';
export const BUS = '10.99.0.1';
/** A large database is looked through first. */
const START_MS = 120_000;
export const NATS_URL = `nats://${BUS}:4222`;

/** The kernel settings of every namespace: no waiting for duplicate addresses, no source checks. */
export const SYSCTLS = `
for what in all default; do
  echo 0 >/proc/sys/net/ipv4/conf/$what/rp_filter
  echo 0 >/proc/sys/net/ipv6/conf/$what/accept_dad
  echo 0 >/proc/sys/net/ipv6/conf/$what/accept_ra
done`;

/** C answers with B's own address as the source, and its answers go through B: both families forward that. */
const FORWARDS = `
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
echo 1 >/proc/sys/net/ipv4/conf/all/accept_local
echo 1 >/proc/sys/net/ipv4/conf/default/accept_local
echo 0 >/proc/sys/net/ipv4/conf/all/send_redirects
echo 0 >/proc/sys/net/ipv4/conf/default/send_redirects`;

/** Lines for `ip -batch`, run in the namespace. */
const TOPOLOGY: Readonly<Record<(typeof HOST_PLACES)[number], string>> = {
  a: `
link set lo up
link set to-b up
address add ${A.v4}/24 dev to-b
address add ${A.v6}/64 dev to-b nodad
route add default via 198.51.100.1
route add default via 2001:db8:a::1`,
  b: `
link set lo up
link set to-a up
link set to-c up
address add 198.51.100.1/24 dev to-a
address add 2001:db8:a::1/64 dev to-a nodad
address add 192.0.2.1/24 dev to-c
address add 2001:db8:c::1/64 dev to-c nodad
address add ${SERVICE.v4}/32 dev lo
address add ${SERVICE.v6}/128 dev lo nodad`,
  c: `
link set lo up
link set to-b address ${C.mac}
link set to-b up
address add ${C.v4}/24 dev to-b
address add ${C.v6}/64 dev to-b nodad
address add ${SERVICE.v4}/32 dev lo
address add ${SERVICE.v6}/128 dev lo nodad
route add default via 192.0.2.1
route add default via 2001:db8:c::1`,
};

/** The lines of the bus and, after its own, of B for the link by which they are joined: the bus may have several. */
function joined(device: string, link: number): Readonly<Record<'b' | 'bus', string>> {
  const [near, far] = [`10.99.${link}.2`, `10.99.${link}.1`];
  return {
    b: `${TOPOLOGY.b}
link set to-bus up
address add ${near}/30 dev to-bus
route add ${BUS} via ${far}`,
    bus: `
link set lo up
address replace ${BUS}/32 dev lo
link set ${device} up
address add ${far}/30 dev ${device}`,
  };
}

export interface TestbedOptions {
  /** Whether the far ends of B's links take natively redirected frames: GRO on. Default true. */
  readonly gro?: boolean;
  /** The name of B as a host. */
  readonly host?: string;
  /** Its label; by default `role=edge`. */
  readonly label?: string;
  /** Whose bus it is joined to, which outlives it; by default it has one of its own. */
  readonly beside?: Testbed;
}

/** What is there, whosever programs are run in it. */
interface Site {
  readonly host: string;
  readonly label: string;
  readonly namespaces: Namespaces<Place>;
  /** Its own, or that of another bed, and how many links it has. */
  readonly bus: { readonly namespaces: Namespaces<Place>; links: number };
  readonly running: Running[];
}

/**
 * Three hosts and a bus, joined to B by veth pairs, in namespaces of their own:
 *
 *     a (198.51.100.10) -- b (203.0.113.10) -- c (203.0.113.10 too)
 *                          |
 *                         bus (nats-server, controller, operator)
 *
 * Real processes, real kernel; only B has a pin root. Everything is gone after dispose, and after a crash.
 */
export class Testbed implements AsyncDisposable {
  readonly #site: Site;
  /** The checkout whose programs are run. */
  readonly #checkout: string;

  private constructor(site: Site, checkout = ROOT) {
    this.#site = site;
    this.#checkout = checkout;
  }

  static async make(options: TestbedOptions = {}): Promise<Testbed> {
    const { gro = true, host = HOST, label = 'role=edge', beside } = options;
    const namespaces = await Namespaces.make(beside === undefined ? PLACES : HOST_PLACES);
    const bus = beside === undefined ? { namespaces, links: 0 } : beside.#site.bus;
    const bed = new Testbed({ host, label, namespaces, bus, running: [] });
    try {
      await bed.#build(gro, beside === undefined ? PLACES : HOST_PLACES);
      return bed;
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #build(gro: boolean, own: readonly Place[]): Promise<void> {
    await Promise.all(own.map((place) => this.must(place, ['sh', '-ec', SYSCTLS])));
    await this.must('b', ['sh', '-ec', FORWARDS]);
    this.#site.bus.links += 1;
    const links = { a: 'to-b', c: 'to-b', bus: `to-b${this.#site.bus.links}` } as const;
    for (const far of PLACES.filter((place) => place !== 'b')) {
      const peer = ['peer', 'name', `to-${far}`, 'netns', this.netns('b')];
      await must(['ip', 'link', 'add', links[far], 'netns', this.netns(far), 'type', 'veth', ...peer]);
    }
    // A sender's checksum offload breaks natively redirected frames; a veth takes such frames only with GRO on.
    const offloads = { a: ['to-b'], b: ['to-a', 'to-c'], c: ['to-b'] } as const;
    for (const place of HOST_PLACES) {
      for (const device of offloads[place]) await this.must(place, ['ethtool', '-K', device, 'tx', 'off']);
    }
    for (const place of ['a', 'c', 'bus'] as const) {
      await this.must(place, ['ethtool', '-K', links[place], 'gro', gro ? 'on' : 'off']);
    }
    const topology = { ...TOPOLOGY, ...joined(links.bus, this.#site.bus.links) };
    for (const place of PLACES) await must(['ip', '-n', this.netns(place), '-batch', '-'], topology[place]);
    await mkdir(this.state, { mode: 0o700 });
    await chown(this.state, NOBODY, NOBODY);
  }

  /** The same bed, worked with the programs of another checkout. What they start, this bed stops. */
  by(checkout: string): Testbed {
    return new Testbed(this.#site, checkout);
  }

  /** The name of B as a host. */
  get host(): string {
    return this.#site.host;
  }

  netns(place: Place): string {
    return this.#namespacesOf(place).name(place);
  }

  #namespacesOf(place: Place): Namespaces<Place> {
    return place === 'bus' ? this.#site.bus.namespaces : this.#site.namespaces;
  }

  /** Where the bed keeps its files; every user may enter, only root writes. */
  get folder(): string {
    return this.#site.namespaces.folder;
  }

  get pinRoot(): string {
    return join(this.folder, 'bpf');
  }

  /** Where the pins of this layout are. */
  get pins(): string {
    return join(this.pinRoot, STANDING);
  }

  /** The agent's; of nobody alone. */
  get state(): string {
    return join(this.folder, 'agent');
  }

  /** The controller's. */
  get database(): string {
    return join(this.folder, 'controller.db');
  }

  inside(place: Place, argv: readonly string[]): string[] {
    return this.#namespacesOf(place).inside(place, argv);
  }

  /** Runs a command inside that has to succeed. */
  async must(place: Place, argv: readonly string[]): Promise<string> {
    return await must(this.inside(place, argv));
  }

  /** Starts a process inside that the bed stops, the last one first, if nobody did before. */
  async start(place: Place, name: string, argv: readonly string[], onLine?: (line: string) => void): Promise<Running> {
    const running = await Running.start(name, this.inside(place, argv), onLine);
    this.#site.running.push(running);
    return running;
  }

  /** Runs the `shunt` command as root of a place to its end. */
  async shunt(place: Place, ...args: readonly string[]): Promise<Ended> {
    return await run(this.inside(place, shuntCommand(args, this.#checkout)));
  }

  /** The same for an operator beside the bus; a failure is thrown, JSON is parsed. */
  async ask(...args: readonly string[]): Promise<unknown> {
    const patiently = args.includes('--timeout') ? [] : ['--timeout', '1m'];
    const argv = shuntCommand([...args, ...patiently, '--nats', NATS_URL, '-o', 'json'], this.#checkout);
    return JSON.parse(await must(this.inside('bus', argv)));
  }

  async startNats(): Promise<Running> {
    const nats = await this.start('bus', 'nats-server', ['nats-server', '-a', BUS, '-p', '4222']);
    await nats.until('ready', 10_000, () => nats.lines.some((line) => line.includes('Server is ready')));
    return nats;
  }

  /** `by`: what it is started through. */
  async startController(by = (argv: readonly string[]): readonly string[] => argv): Promise<Running> {
    const args = ['controller', '--nats', NATS_URL, '--db', this.database];
    const controller = await this.start('bus', 'controller', by(shuntCommand(args, this.#checkout)));
    await controller.until(
      'answers',
      START_MS,
      async () => (await this.shunt('bus', 'hosts', '--nats', NATS_URL)).status === 0,
    );
    return controller;
  }

  async attach(...args: readonly string[]): Promise<Ended> {
    return await this.shunt('b', 'attach', '--pin-root', this.pinRoot, '--owner', 'nobody', ...args);
  }

  /** Starts the agent as nobody, without waiting for anything but the process. */
  async startAgent(...extra: readonly string[]): Promise<Running> {
    return await this.start('b', 'agent', this.agentCommand(...extra));
  }

  /** The same with its calls of bpf(2) written to a file; a signal to the process still is one to the agent. */
  async startTracedAgent(trace: string, ...extra: readonly string[]): Promise<Running> {
    const strace = ['strace', '-D', '-f', '-qq', '--seccomp-bpf', '-e', 'trace=bpf', '-o', trace];
    return await this.start('b', 'agent', [...strace, ...this.agentCommand(...extra)]);
  }

  agentCommand(...extra: readonly string[]): string[] {
    const place = ['--nats', NATS_URL, '--state', this.state, '--pin-root', this.pinRoot];
    const program = [join(this.#checkout, 'tools/as-nobody'), 'agent', '--host', this.host];
    return [...program, ...place, '--label', this.#site.label, ...extra];
  }

  /** The entries of a pinned map, of whatever layout, as bpftool says them. */
  async entries(map: 'redirect4' | 'redirect6'): Promise<readonly MapEntry[]> {
    const standing = (await readdir(this.pinRoot)).find((name) => /^v\d+$/.test(name)) ?? STANDING;
    const pin = join(this.pinRoot, standing, map);
    return JSON.parse(await must(['bpftool', '-j', 'map', 'dump', 'pinned', pin])) as MapEntry[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#site.running.toReversed()) await running.stop();
    await this.#site.namespaces[Symbol.asyncDispose]();
  }
}

/** Bytes as bpftool prints them (`0x0a`), and what the map's types say of them. */
export interface MapEntry {
  readonly key: readonly string[];
  readonly value: readonly string[];
  readonly formatted: { readonly key: Record<string, unknown>; readonly value: Record<string, unknown> };
}

/** The command line of `shunt ARGS...` from a checkout, by default this one; where the command is, its package.json says. */
export function shuntCommand(args: readonly string[], checkout = ROOT): string[] {
  const { bin } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { bin: { shunt: string } };
  return [process.execPath, join(checkout, bin.shunt), ...args];
}
