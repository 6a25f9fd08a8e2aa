import type { ProgramName } from '../../protocol/status.ts';

/** A network device as the kernel shows it now; `ifindex` must not outlive the observation. */
export interface Netdev {
  readonly ifindex: number;
  readonly name: string;
  readonly mac: string;
  /** L3 bytes. */
  readonly mtu: number;
  /** Administratively up, with carrier. */
  readonly up: boolean;
  /** How often it lost its carrier. */
  readonly carrierDowns: number;
  /** Frames redirected to it will leave: it is able to take them from the ingress modes in use. */
  readonly takesRedirects: boolean;
  /** How our program is attached; `none` when it is not, `foreign` when another program is. */
  readonly attached: 'native' | 'generic' | 'none' | 'foreign';
  /** Our zone of it as an ingress; 0 when the loader never attached to it. */
  readonly zone: number;
  /** VLAN tags of what comes in by it are hidden from our program. */
  readonly hidesTags?: true;
  /** What packets can be sent to there from elsewhere; absent where there is none, or nobody looked. */
  readonly addresses?: readonly string[];
}

/** The loader gave it a zone, and the program runs on it. */
export function runsProgram({ zone, attached }: Pick<Netdev, 'zone' | 'attached'>): boolean {
  return zone !== 0 && (attached === 'native' || attached === 'generic');
}

/** Everything about the network devices that an entry may depend on. */
export interface Network {
  /** Ethernet devices. */
  readonly netdevs: readonly Netdev[];
  /** The names of all other devices, by ifindex: nothing can be redirected to them. */
  readonly notEthernet?: ReadonlyMap<number, string>;
  /** The zones that the loader gave out, by ifindex; the device may be gone. */
  readonly zones: ReadonlyMap<number, number>;
  /**
   * The devmap: where each of its keys leads, by ifindex. Under the key of a device stands the device itself, if it was us.
   * The kernel drops what leads to a device that goes.
   */
  readonly ports: ReadonlyMap<number, number>;
  /** No packet meets these maps yet: they are to take the place of others. */
  readonly coming?: boolean;
  /** The program in force, where the loader said so. */
  readonly program?: ProgramName;
}

/** Why a redirect cannot have an interface, by its name or ifindex, that is none of the Ethernet devices. */
export function whyNotThere({ notEthernet }: Network, wanted: string | number): 'NOT_ETHERNET' | 'NO_INTERFACE' {
  const found = [...(notEthernet ?? [])].some(([ifindex, name]) => ifindex === wanted || name === wanted);
  return found ? 'NOT_ETHERNET' : 'NO_INTERFACE';
}

/**
 * Where packets for an address leave, as the route and neighbour tables say now. `gateway` is the neighbour whose MAC
 * is wanted: the route's gateway, or the address itself when it is on the link.
 */
export type NextHop =
  | {
      readonly state: 'resolved';
      readonly ifindex: number;
      readonly gateway: string;
      readonly mac: string;
      /** L3 bytes: the route's, or the device's. */
      readonly mtu: number;
    }
  /** The neighbour has not answered yet, or was forgotten. */
  | { readonly state: 'asking'; readonly ifindex: number; readonly gateway: string }
  /** The neighbour does not answer. */
  | { readonly state: 'failed'; readonly ifindex: number; readonly gateway: string }
  | { readonly state: 'no-route' };

/** One question to the route table; without `ifindex` any route will do. */
export interface NextHopQuery {
  readonly address: string;
  readonly ifindex?: number;
}
