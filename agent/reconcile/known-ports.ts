import type { Network } from '../model/network.ts';
import type { Op } from '../model/op.ts';
import type { Drift } from './drift.ts';

/** What stands in the devmap as far as we know. Where it is found otherwise, somebody else was there. */
export class KnownPorts {
  /** Undefined before the first look: what stands then is of an agent before us, if it leads where it should. */
  #known: Map<number, number> | undefined;

  /** Remembers a port op that was done. */
  done({ ifindex, present }: Extract<Op, { op: 'port' }>): void {
    if (present) this.#known?.set(ifindex, ifindex);
    else this.#known?.delete(ifindex);
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
    return [
      ...written.map(([key, to]) => ({ detail: `ports: ${named(key)} led to ${named(to)}` })),
      ...gone.map((key) => ({ detail: `ports: ${named(key)} was removed` })),
    ];
  }
}
