import type { Network } from '../model/network.ts';
import type { Op } from '../model/op.ts';
import type { Drift } from './drift.ts';

/** What stands in the devmap as far as we know. Where it is found otherwise, somebody else was there. */
export class KnownPorts {
  /** Undefined before the first look: what stands then is of an agent before us, if it leads where it should. */
  #known: Map<number, number> | undefined;
  /** Somebody else had changed them at the last look. */
  #changed = false;

  /** What stands, with what was done since it was looked at. */
  get stand(): ReadonlyMap<number, number> {
    return this.#known ?? new Map();
  }

  /** Remembers a port op that was done; answers whether to look now: where somebody else is faster, that never ends. */
  done({ ifindex, present }: Extract<Op, { op: 'port' }>): boolean {
    if (present) this.#known?.set(ifindex, ifindex);
    else this.#known?.delete(ifindex);
    return !this.#changed;
  }

  /** Takes what stands now, and says what is otherwise. What the kernel dropped with its device is no drift. */
  look({ ports, netdevs }: Network): Drift[] {
    const known = this.#known ?? new Map([...ports.keys()].map((key) => [key, key]));
    this.#known = new Map(ports);
    const named = (ifindex: number): string => {
      const name = netdevs.find((dev) => dev.ifindex === ifindex)?.name;
      return name === undefined ? `${ifindex}` : `${ifindex} (${name})`;
    };
    const written = [...ports].filter(([key, to]) => known.get(key) !== to);
    const gone = [...known.keys()].filter((key) => !ports.has(key) && netdevs.some((dev) => dev.ifindex === key));
    this.#changed = written.length + gone.length > 0;
    return [
      ...written.map(([key, to]): Drift => ({ pin: 'ports', detail: `ports: ${named(key)} led to ${named(to)}` })),
      ...gone.map((key): Drift => ({ pin: 'ports', detail: `ports: ${named(key)} was removed` })),
    ];
  }
}
