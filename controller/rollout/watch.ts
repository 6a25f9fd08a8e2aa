import type { Transaction } from '../log/transaction.ts';
import type { Counting, Watched } from '../ports.ts';
import type { About } from './about.ts';
import type { Look } from './look.ts';

/** Of more redirects on a host some tell enough. */
const KEYS_ON_A_HOST = 1000;

/** Has the hosts of rollouts asked what packets do there: those that were reached, and those that they are compared with. */
export class Watching {
  readonly #counting: Counting;
  readonly #everyMs: number;
  /** By rollout and host: what a host holds of it moves only when it is told something. */
  readonly #known = new Map<string, ReadonlyMap<string, Watched>>();

  constructor(counting: Counting, everyMs: number) {
    this.#counting = counting;
    this.#everyMs = everyMs;
  }

  async watch(transaction: Transaction, { rollout, hosts, facts }: Look, about: About): Promise<void> {
    const before = this.#known.get(rollout.id);
    const now = new Map<string, Watched>();
    const take = async (host: string, rev: number, since: number): Promise<void> => {
      const known = before?.get(host);
      const watched = known?.rev === rev ? known : await read(transaction, rollout.id, about, { host, rev, since });
      now.set(host, watched);
    };
    for (const { host, rev, state } of hosts) if (state === 'published') await take(host, rev, rollout.plan.firstRev);
    for (const { host } of facts.control) await take(host, 0, 0);
    this.#known.set(rollout.id, now);
    this.#counting.watch(rollout.id, [...now.values()], this.#everyMs);
  }

  /** Nobody is asked for rollouts that are not under way any more. */
  keep(active: ReadonlySet<string>): void {
    for (const id of [...this.#counting.rollouts]) if (!active.has(id)) this.#counting.forget(id);
    for (const id of this.#known.keys()) if (!active.has(id)) this.#known.delete(id);
  }
}

/** Who holds none of them is asked for one all the same, and tells how its packets fare. */
async function read(
  { session, tables }: Transaction,
  rollout: string,
  { keys }: About,
  { host, rev, since }: { readonly host: string; readonly rev: number; readonly since: number },
): Promise<Watched> {
  const held = await tables.rolloutSpecs.keysOn(session, rollout, host, KEYS_ON_A_HOST + 1);
  const asked = held.length === 0 ? keys.slice(0, 1) : held.slice(0, KEYS_ON_A_HOST);
  return { host, rev, keys: new Map(asked.map((key) => [key, since])), isAll: held.length <= KEYS_ON_A_HOST };
}
