import type { Action } from '../../protocol/action.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { Netdev, Network } from '../model/network.ts';
import type { Net } from '../ports.ts';
import { type Probe, sameTarget, type Target, targetKey, targetOf, type ZoneAnswer } from './target.ts';

/** Where every action in use sends packets, as far as the network was looked at. */
export class Targets {
  network: Network;
  readonly #net: Pick<Net, 'network' | 'resolve' | 'probe'>;
  readonly #known = new Map<string, { readonly to: Action; readonly target: Target }>();

  constructor(net: Pick<Net, 'network' | 'resolve' | 'probe'>) {
    this.#net = net;
    this.network = net.network();
  }

  of(intent: Intent): Target {
    const key = targetKey(intent.to);
    const known = this.#known.get(key);
    if (known !== undefined) return known.target;
    const target = this.#look(intent.to);
    this.#known.set(key, { to: intent.to, target });
    return target;
  }

  zoneOf(ifname: string): ZoneAnswer {
    const netdev = this.network.netdevs.find((dev) => dev.name === ifname);
    if (netdev === undefined) return { code: 'NO_INTERFACE' };
    return isIngress(netdev) ? { zone: netdev.zone } : { code: 'NOT_ATTACHED' };
  }

  /** Looks at the network again and answers which of these intents it moved. */
  refresh(desired: ReadonlyMap<string, Intent>): string[] {
    const zones = zoneText(this.network);
    this.network = this.#net.network();
    const rezoned = zones !== zoneText(this.network);
    const moved = new Set<string>();
    for (const [key, { to, target }] of this.#known) {
      const now = this.#look(to);
      if (sameTarget(target, now)) continue;
      this.#known.set(key, { to, target: now });
      moved.add(key);
    }
    if (moved.size === 0 && !rezoned) return [];
    return [...desired.values()]
      .filter((intent) => moved.has(targetKey(intent.to)) || (rezoned && intent.match.in !== undefined))
      .map((intent) => intent.key);
  }

  /** Drops the targets that no intent has any more. */
  keepOnly(desired: ReadonlyMap<string, Intent>): void {
    const used = new Set([...desired.values()].map((intent) => targetKey(intent.to)));
    for (const key of this.#known.keys()) if (!used.has(key)) this.#known.delete(key);
  }

  /** The neighbours that entries rely on, each once. */
  probes(): readonly Probe[] {
    const probes = new Map<string, Probe>();
    for (const { target } of this.#known.values()) {
      if ('probe' in target && target.probe !== undefined) {
        probes.set(`${target.probe.ifindex} ${target.probe.address}`, target.probe);
      }
    }
    return [...probes.values()];
  }

  /** A neighbour that is not known yet is asked at once; its answer is a change of the network. */
  #look(to: Action): Target {
    const target = targetOf(to, this.network, (query) => this.#net.resolve([query])[0] ?? { state: 'no-route' });
    if (target.state !== 'ready' && 'probe' in target) this.#net.probe(target.probe.ifindex, target.probe.address);
    return target;
  }
}

/** The loader gave it a zone, and the program runs on it. */
function isIngress({ zone, attached }: Netdev): boolean {
  return zone !== 0 && (attached === 'native' || attached === 'generic');
}

function zoneText(network: Network): string {
  return network.netdevs
    .map((dev) => `${isIngress(dev) ? dev.zone : 0}=${dev.name}`)
    .sort()
    .join(' ');
}
