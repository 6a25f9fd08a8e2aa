/** A network device as the kernel shows it now; `ifindex` must not outlive the observation. */
export interface Netdev {
  readonly ifindex: number;
  readonly name: string;
  readonly mac: string;
  /** L3 bytes. */
  readonly mtu: number;
  /** Administratively up, with carrier. */
  readonly up: boolean;
  /** Frames redirected to it will leave: up, and able to take them from the ingress modes in use. */
  readonly takesRedirects: boolean;
  /** How our program is attached; `none` when it is not, `foreign` when another program is. */
  readonly attached: 'native' | 'generic' | 'none' | 'foreign';
  /** Our zone of it as an ingress; 0 when the loader never attached to it. */
  readonly zone: number;
}

/** Everything about the network that an entry may depend on. */
export interface Network {
  readonly netdevs: readonly Netdev[];
}

/** Where packets for an address leave, as the route and neighbour tables say now. */
export type NextHop =
  | { readonly state: 'resolved'; readonly ifindex: number; readonly mac: string; readonly mtu: number }
  /** A route, but the neighbour has not answered yet; keep what stands and ask it. */
  | { readonly state: 'asking'; readonly ifindex: number; readonly address: string; readonly mtu: number }
  | { readonly state: 'failed'; readonly ifindex: number; readonly address: string }
  | { readonly state: 'no-route' };

/** One question to the route table; without `ifindex` any route will do. */
export interface NextHopQuery {
  readonly address: string;
  readonly ifindex?: number;
}
