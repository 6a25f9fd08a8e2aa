import type { Action } from '../../protocol/action.ts';
import type { Intent } from '../../protocol/intent.ts';
import { entryId } from '../model/entry-key.ts';
import { type Network, runsProgram, whyNotThere } from '../model/network.ts';
import type { Net } from '../ports.ts';
import { type Probe, sameTarget, type Target, targetKey, targetOf, type ZoneAnswer } from './target.ts';

/** Where every action in use sends packets, as far as the network was looked at. */
export class Targets {
  network: Network;
  readonly #net: Pick<Net, 'network' | 'resolve' | 'probe'>;
  readonly #known = new Map<string, { readonly to: Action; readonly target: Target }>();
  /** Of those, the one that was asked for last: many in a row go to one place. */
  #last: { readonly to: Action; readonly target: Target } | undefined;

  constructor(net: Pick<Net, 'network' | 'resolve' | 'probe'>) {
    this.#net = net;
    this.network = net.network();
  }

  of({ to }: Pick<Intent, 'to'>): Target {
    if (this.#last?.to !== to) this.#last = { to, target: this.#targetOf(to) };
    return this.#last.target;
  }

  #targetOf(to: Action): Target {
    const key = targetKey(to);
    const known = this.#known.get(key);
    if (known !== undefined) return known.target;
    const target = this.#look(to);
    this.#known.set(key, { to, target });
    return target;
  }

  zoneOf(ifname: string): ZoneAnswer {
    const netdev = this.network.netdevs.find((dev) => dev.name === ifname);
    if (netdev === undefined) return { code: whyNotThere(this.network, ifname) };
    return netdev.zone === 0 ? { code: 'NOT_ATTACHED' } : { zone: netdev.zone };
  }

  /** Under which id the entry of an intent of one interface may stand: once that is gone, in a zone of those that are. */
  placeOf({ match }: Intent, stands: (id: string) => boolean): string | undefined {
    const at = this.zoneOf(match.in ?? '');
    if ('zone' in at) return entryId({ match, zone: at.zone });
    return this.idleZones.map((zone) => entryId({ match, zone })).find(stands);
  }

  /** Whether packets that come in by this interface, or by any at all, meet the program. */
  reaches(ifname: string | undefined): boolean {
    return this.network.netdevs.some((dev) => runsProgram(dev) && (ifname === undefined || dev.name === ifname));
  }

  /** Zones of devices that are gone: no packet is in them. */
  get idleZones(): readonly number[] {
    const { zones, netdevs } = this.network;
    return [...zones].flatMap(([ifindex, zone]) => (netdevs.some((dev) => dev.ifindex === ifindex) ? [] : [zone]));
  }

  /** Looks at the network again and answers which of these intents it moved. */
  refresh(desired: ReadonlyMap<string, Intent>): string[] {
    const zones = zoneText(this.network);
    const reached = this.reaches(undefined);
    this.network = this.#net.network();
    this.#last = undefined;
    const rezoned = zones !== zoneText(this.network);
    const woken = reached !== this.reaches(undefined);
    const moved = new Set<string>();
    for (const [key, { to, target }] of this.#known) {
      const now = this.#look(to);
      if (sameTarget(target, now)) continue;
      this.#known.set(key, { to, target: now });
      moved.add(key);
    }
    if (moved.size === 0 && !rezoned) return [];
    const isMoved = ({ to, match }: Intent): boolean =>
      moved.has(targetKey(to)) || (match.in === undefined ? woken : rezoned);
    return [...desired.values()].filter(isMoved).map((intent) => intent.key);
  }

  /** Keeps the targets of these intents, and no others. */
  keepOnly(desired: ReadonlyMap<string, Intent>): void {
    this.#last = undefined;
    // Many share one action: its text is made once.
    const actions = new Set<Action>();
    for (const { to } of desired.values()) actions.add(to);
    const used = new Set([...actions].map(targetKey));
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

function zoneText({ netdevs, zones }: Network): string {
  const here = netdevs.map((dev) => `${dev.zone}=${dev.name} ${runsProgram(dev)}`).sort();
  return [...here, ...[...zones].map(([ifindex, zone]) => `${zone}=${ifindex}`).sort()].join(' ');
}
