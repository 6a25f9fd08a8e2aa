import type { Action } from '../../protocol/action.ts';
import type { Code } from '../../protocol/codes.ts';
import { type Netdev, type Network, type NextHop, type NextHopQuery, whyNotThere } from '../model/network.ts';

/** Where an action sends packets, as the network stands now. */
export type Target =
  | { readonly state: 'local'; readonly action: 'pass' | 'drop' }
  | {
      readonly state: 'ready';
      readonly ifindex: number;
      readonly dmac: string;
      readonly smac: string;
      readonly mtu: number;
      /** Whom to ask again, so that the neighbour entry stays fresh. */
      readonly probe?: Probe;
    }
  /** The neighbour is being asked: an entry that stands may stay as it is. */
  | { readonly state: 'asking'; readonly ifindex: number; readonly probe: Probe }
  | { readonly state: 'blocked'; readonly code: Code; readonly probe?: Probe };

export interface Probe {
  readonly ifindex: number;
  readonly address: string;
}

/** Our zone of an ingress interface, or why it has none. */
export type ZoneAnswer = { readonly zone: number } | { readonly code: Code };

type Resolve = (query: NextHopQuery) => NextHop;

/** Actions with equal text have equal targets: the key under which a target is remembered. */
export function targetKey(to: Action): string {
  return typeof to === 'string' ? to : JSON.stringify(to);
}

/** Says where `to` sends packets now, or which code blocks it. Pure but for `resolve`, which asks the route table. */
export function targetOf(to: Action, network: Network, resolve: Resolve): Target {
  if (to === 'pass' || to === 'drop') return { state: 'local', action: to };
  if ('encap' in to || 'rewrite' in to) return { state: 'blocked', code: 'UNSUPPORTED_ACTION' };
  const netdev = to.interface === undefined ? undefined : network.netdevs.find((dev) => dev.name === to.interface);
  if (to.interface !== undefined && netdev === undefined)
    return { state: 'blocked', code: whyNotThere(network, to.interface) };
  if ('mac' in to) return netdev === undefined ? { state: 'blocked', code: 'NO_INTERFACE' } : direct(netdev, to.mac);
  return viaNextHop(to.nexthop, netdev, network, resolve);
}

function unusable(netdev: Netdev): Code | undefined {
  if (!netdev.up) return 'NO_INTERFACE';
  return netdev.takesRedirects ? undefined : 'NO_XDP_PATH';
}

function direct(netdev: Netdev, mac: string): Target {
  const code = unusable(netdev);
  if (code !== undefined) return { state: 'blocked', code };
  return { state: 'ready', ifindex: netdev.ifindex, dmac: mac, smac: netdev.mac, mtu: netdev.mtu };
}

function viaNextHop(address: string, wanted: Netdev | undefined, network: Network, resolve: Resolve): Target {
  const hop = resolve(wanted === undefined ? { address } : { address, ifindex: wanted.ifindex });
  if (hop.state === 'no-route') return { state: 'blocked', code: 'NO_ROUTE' };
  const netdev = network.netdevs.find((dev) => dev.ifindex === hop.ifindex);
  if (netdev === undefined) return { state: 'blocked', code: whyNotThere(network, hop.ifindex) };
  const code = unusable(netdev);
  if (code !== undefined) return { state: 'blocked', code };
  if (hop.state === 'resolved') {
    const { ifindex, mac, mtu, gateway } = hop;
    return { state: 'ready', ifindex, dmac: mac, smac: netdev.mac, mtu, probe: { ifindex, address: gateway } };
  }
  const probe = { ifindex: hop.ifindex, address: hop.gateway };
  return hop.state === 'asking'
    ? { state: 'asking', ifindex: hop.ifindex, probe }
    : { state: 'blocked', code: 'NO_NEIGHBOUR', probe };
}

/** True when an entry made for `a` is right for `b`. */
export function sameTarget(a: Target, b: Target): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
