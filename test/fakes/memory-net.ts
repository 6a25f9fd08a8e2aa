import { PinsLostError } from '../../agent/model/kernel-error.ts';
import type { Netdev, Network, NextHop, NextHopQuery } from '../../agent/model/network.ts';
import type { OpResult } from '../../agent/model/op.ts';
import type { Net } from '../../agent/ports.ts';

type Neighbour = { readonly state: 'resolved'; readonly mac: string } | { readonly state: 'asking' | 'failed' };
interface Route {
  readonly ifname: string;
  readonly gateway: string;
  readonly mtu: number | undefined;
}

/** Devices, devmap, routes and neighbours in memory. */
export class MemoryNet implements Net {
  /** Neighbours that were asked, `ifindex address`. */
  probed: string[] = [];
  readonly #netdevs = new Map<string, Netdev>();
  readonly #portsMax: number;
  readonly #ports = new Map<number, number>();
  readonly #routes = new Map<string, Route>();
  readonly #neighbours = new Map<string, Neighbour>();
  /** Zones by ifindex of devices that are gone. */
  readonly #idle = new Map<number, number>();
  /** Somebody removed the pins, or pinned others. */
  pinsLost = false;
  readonly #watchers = new Set<() => void>();

  /** `portsMax`: keys of the devmap. */
  constructor(portsMax: number) {
    this.#portsMax = portsMax;
  }

  /** The maps are to take the place of others, and no packet meets them yet. */
  coming = false;

  network(): Network {
    this.reopen();
    const netdevs = [...this.#netdevs.values()];
    return { netdevs, zones: this.#zones(), ports: new Map(this.#ports), coming: this.coming };
  }

  reopen(): void {
    if (this.pinsLost) throw new PinsLostError('check pins', 'memory', 'ENOENT', 'pins are gone');
  }

  /** Also of devices that are gone, until the zone is another's. */
  #zones(): Map<number, number> {
    const given = [...this.#netdevs.values()].filter(({ zone }) => zone !== 0);
    const taken = new Set(given.map(({ zone }) => zone));
    const idle = [...this.#idle].filter(([, zone]) => !taken.has(zone));
    return new Map([...idle, ...given.map(({ ifindex, zone }) => [ifindex, zone] as const)]);
  }

  /** The loader takes back the zones of devices that are gone. */
  dropZones(): void {
    this.#idle.clear();
  }

  resolve(queries: readonly NextHopQuery[]): NextHop[] {
    return queries.map((query) => {
      const route = this.#routeOf(query);
      const netdev = route && this.#netdevs.get(route.ifname);
      if (route === undefined || netdev === undefined) return { state: 'no-route' };
      const { ifindex } = netdev;
      const { gateway, mtu = netdev.mtu } = route;
      const neighbour = this.#neighbours.get(`${ifindex} ${gateway}`) ?? { state: 'asking' };
      return neighbour.state === 'resolved'
        ? { state: 'resolved', ifindex, gateway, mac: neighbour.mac, mtu }
        : { state: neighbour.state, ifindex, gateway };
    });
  }

  /** Of IPv4 an address is taken to be on the link that is asked for, where no route leads out of it. */
  #routeOf({ address, ifindex }: NextHopQuery): Route | undefined {
    const route = this.#routes.get(address);
    if (ifindex === undefined) return route;
    const bound = [...this.#netdevs.values()].find((dev) => dev.ifindex === ifindex);
    if (bound === undefined || route?.ifname === bound.name) return bound && route;
    return address.includes(':') ? undefined : { ifname: bound.name, gateway: address, mtu: undefined };
  }

  probe(ifindex: number, address: string): void {
    this.probed.push(`${ifindex} ${address}`);
  }

  watch(onChange: () => void): Disposable {
    const watcher = (): void => onChange();
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => this.#watchers.delete(watcher) };
  }

  /** Tells the watchers that something may have changed, as netlink does. */
  notify(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** Adds a network device, or changes one; another ifindex is a device that was removed and made again. */
  netdev(name: string, change: Partial<Omit<Netdev, 'name'>> = {}): Netdev {
    const before = this.#netdevs.get(name);
    const ifindex = change.ifindex ?? before?.ifindex ?? 2 + this.#netdevs.size;
    if (before !== undefined && before.ifindex !== ifindex) this.removeNetdev(name);
    const made: Netdev = {
      name,
      ifindex,
      mac: `02:00:00:00:00:${ifindex.toString(16).padStart(2, '0')}`,
      mtu: 1500,
      up: true,
      carrierDowns: 0,
      takesRedirects: true,
      attached: 'none',
      zone: 0,
    };
    const netdev = { ...made, ...this.#netdevs.get(name), ...change };
    const downs = before?.up === true && !netdev.up ? 1 : 0;
    this.#netdevs.set(name, { ...netdev, carrierDowns: netdev.carrierDowns + downs });
    return netdev;
  }

  /** The device goes, and with it its port and its neighbours. */
  removeNetdev(name: string): void {
    const ifindex = this.#netdevs.get(name)?.ifindex;
    if (ifindex === undefined) return;
    const { zone } = this.#netdevs.get(name) ?? { zone: 0 };
    if (zone !== 0) this.#idle.set(ifindex, zone);
    this.#netdevs.delete(name);
    for (const [key, to] of this.#ports) if (to === ifindex) this.#ports.delete(key);
    for (const at of this.#neighbours.keys()) if (at.startsWith(`${ifindex} `)) this.#neighbours.delete(at);
  }

  route(address: string, ifname: string, gateway = address, mtu?: number): void {
    this.#routes.set(address, { ifname, gateway, mtu });
  }

  /** The neighbour answers with this MAC, does not answer (`failed`), or is being asked. */
  neighbour(ifname: string, address: string, answer: string): void {
    const ifindex = this.#netdevs.get(ifname)?.ifindex;
    const state: Neighbour =
      answer === 'asking' || answer === 'failed' ? { state: answer } : { state: 'resolved', mac: answer };
    this.#neighbours.set(`${ifindex} ${address}`, state);
  }

  unplug(ifindex: number): void {
    this.#ports.delete(ifindex);
  }

  dropPorts(): void {
    this.#ports.clear();
  }

  /** Writes a key of the devmap, which may lead to another device than its own. */
  plug(key: number, to = key): void {
    this.#ports.set(key, to);
  }

  /** Carries a port op out. */
  protected setPort(ifindex: number, present: boolean): OpResult {
    if (!present) return this.#ports.delete(ifindex) ? { done: true } : { done: true, absent: true };
    const there = [...this.#netdevs.values()].some((dev) => dev.ifindex === ifindex);
    if (!there) return { done: false, errno: 'EINVAL' };
    const full = !this.#ports.has(ifindex) && this.#ports.size >= this.#portsMax;
    if (full) return { done: false, errno: 'E2BIG' };
    this.#ports.set(ifindex, ifindex);
    return { done: true };
  }
}
