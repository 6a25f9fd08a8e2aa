import type { InterfaceStatus } from '../../protocol/packets.ts';
import { type Netdev, type Network, runsProgram } from '../model/network.ts';

/** An interface that has the program, had it while we looked, or ought to have it. */
export interface Ingress extends Omit<InterfaceStatus, 'attached' | 'reason'> {
  /** Why packets that come in by it do not meet the program; absent where they do. */
  readonly lost?: string;
}

/** Interfaces that lost the program, or lost it in another way than before, and those that have it again. */
export interface Moved {
  readonly lost: readonly Ingress[];
  readonly back: readonly Ingress[];
  /** Something is otherwise, be it no news to people. */
  readonly changed: boolean;
}

/** Tells where the program ought to run and does not. Pure but for what it remembers of the last look. */
export class Ingresses {
  readonly #wanted: readonly string[];
  /** By ifindex, of the devices that have a zone: the loader's words know no names. */
  #names: ReadonlyMap<number, string> = new Map();
  #list: readonly Ingress[] = [];
  #lostSinceMs: number | undefined;

  /** `wanted`: interfaces that ought to have the program, whatever the loader says. */
  constructor(wanted: readonly string[]) {
    this.#wanted = wanted;
  }

  get list(): readonly Ingress[] {
    return this.#list;
  }

  /** Since when packets of one interface or of all pass the program by, in epoch milliseconds. */
  get lostSinceMs(): number | undefined {
    return this.#lostSinceMs;
  }

  /** Takes the network as it is now. */
  look(network: Network, nowMs: number): Moved {
    this.#names = namesOf(network, this.#names);
    const gone = goneFrom(network, this.#names);
    const known = new Set([...this.#wanted, ...this.#list.map(({ name }) => name), ...gone.map(({ name }) => name)]);
    const here = network.netdevs
      .filter(({ name, zone }) => zone !== 0 || known.has(name))
      .map((dev) => toIngress(dev, gone, this.#wanted));
    const isNew = ({ name }: Ingress): boolean => !here.some((one) => one.name === name);
    const absent = this.#wanted.map((name) => goneIngress(name, 0, 0));
    const listed = [...here, ...gone.filter(isNew)];
    return this.#take([...listed, ...absent.filter(({ name }) => !listed.some((one) => one.name === name))], nowMs);
  }

  /** The pins are lost: whatever is attached reads other maps than ours, or nobody knows which. */
  lose(nowMs: number): Moved {
    const lost = 'the pins are gone, or others now';
    return this.#take(
      this.#list.map((one) => ({ ...one, mode: 'none', lost })),
      nowMs,
    );
  }

  #take(list: readonly Ingress[], nowMs: number): Moved {
    const before = new Map(this.#list.map(({ name, lost }) => [name, lost]));
    const changed = JSON.stringify(list) !== JSON.stringify(this.#list);
    this.#list = list;
    const isWhole = list.length > 0 && list.every(({ lost }) => lost === undefined);
    this.#lostSinceMs = isWhole ? undefined : (this.#lostSinceMs ?? nowMs);
    return {
      lost: list.filter(({ name, lost }) => lost !== undefined && lost !== before.get(name)),
      back: list.filter(({ name, lost }) => lost === undefined && before.get(name) !== undefined),
      changed,
    };
  }
}

function namesOf({ netdevs, zones }: Network, before: ReadonlyMap<number, string>): Map<number, string> {
  const names = [...zones.keys()].flatMap((ifindex) => {
    const name = netdevs.find((dev) => dev.ifindex === ifindex)?.name ?? before.get(ifindex);
    return name === undefined ? [] : [[ifindex, name] as const];
  });
  return new Map(names);
}

/** Devices that have a zone and are not here; one that was gone before we looked has no name that we know. */
function goneFrom({ netdevs, zones }: Network, names: ReadonlyMap<number, string>): Ingress[] {
  return [...zones]
    .filter(([ifindex]) => !netdevs.some((dev) => dev.ifindex === ifindex))
    .map(([ifindex, zone]) => goneIngress(names.get(ifindex) ?? `#${ifindex}`, zone, ifindex));
}

function goneIngress(name: string, zone: number, ifindex: number): Ingress {
  return { name, zone, ifindex, mode: 'none', up: false, lost: 'it is not in this network namespace' };
}

function toIngress(dev: Netdev, gone: readonly Ingress[], wanted: readonly string[]): Ingress {
  const { name, zone, ifindex, up, attached, hidesTags, addresses } = dev;
  const mode = attached === 'foreign' ? 'none' : attached;
  const one = { name, zone, ifindex, mode, up, ...(hidesTags && { hidesTags }), ...(addresses && { addresses }) };
  if (runsProgram(dev)) return one;
  if (attached === 'foreign') return { ...one, lost: 'another XDP program is on it' };
  if (zone !== 0) return { ...one, lost: 'its program is gone' };
  if (gone.some((it) => it.name === name)) return { ...one, lost: 'it was made anew' };
  return { ...one, lost: wanted.includes(name) ? 'nobody attached to it' : 'it was detached' };
}
