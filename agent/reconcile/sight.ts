import { type Netdev, type Network, runsProgram } from '../model/network.ts';
import type { Seeing, SeenSince } from '../model/seeing.ts';
import type { SightStore } from '../ports.ts';

/** What is looked at beside the network. */
export interface Outlook {
  readonly blinds: string;
  /** Nothing of a host is judged now, whatever is counted: it passes everything, or is held. */
  readonly shut: boolean;
  /** jiffies64. */
  readonly jiffies: number;
}

const BLIND: SeenSince = { blinds: '', interfaces: {} };

/**
 * Since when packets that hit are counted without a break: only from there on is silence silence. An interface counts
 * while the program runs on it and it is up with carrier. What nobody looked at is found by what it moved: the count of lost
 * carriers, the ifindex, the word `blinds`. Pure but for what the store keeps for the agent after this one.
 */
export class Sight {
  readonly #store: SightStore;
  #seen: SeenSince;

  constructor(store: SightStore) {
    this.#store = store;
    this.#seen = store.load() ?? BLIND;
  }

  /** Interfaces by which packets are counted now. */
  get interfaces(): readonly string[] {
    return Object.keys(this.#seen.interfaces);
  }

  /** Of packets that come in by this interface, or by any at all, in jiffies64; undefined while none can be seen. */
  since(ifname: string | undefined): number | undefined {
    return ifname === undefined ? this.#seen.anywhere : this.#seen.interfaces[ifname]?.since;
  }

  /** Whoever is there may have come unseen until the next look. */
  blind(): void {
    this.#seen = BLIND;
  }

  look(network: Pick<Network, 'netdevs'>, { blinds, shut, jiffies }: Outlook): void {
    const before = this.#seen.blinds === blinds ? this.#seen : BLIND;
    const seeing = shut ? [] : network.netdevs.filter((dev) => runsProgram(dev) && dev.up);
    const lasting = seeing.filter((dev) => isSame(dev, before.interfaces[dev.name]));
    const interfaces = seeing.map(({ name, ifindex, carrierDowns }) => {
      const since = lasting.some((dev) => dev.name === name) ? before.interfaces[name]?.since : undefined;
      return [name, { ifindex, carrierDowns, since: since ?? jiffies }] as const;
    });
    const anywhere = lasting.length > 0 ? before.anywhere : undefined;
    this.#take({
      blinds,
      ...(seeing.length > 0 && { anywhere: anywhere ?? jiffies }),
      interfaces: Object.fromEntries(interfaces),
    });
  }

  #take(seen: SeenSince): void {
    if (JSON.stringify(seen) === JSON.stringify(this.#seen)) return;
    this.#seen = seen;
    this.#store.save(seen);
  }
}

function isSame({ ifindex, carrierDowns }: Netdev, before: Seeing | undefined): boolean {
  return before?.ifindex === ifindex && before.carrierDowns === carrierDowns;
}
