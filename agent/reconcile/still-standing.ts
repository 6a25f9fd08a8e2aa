import type { Action } from '../../protocol/action.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { EntryValue } from '../model/entry.ts';
import { KernelError } from '../model/kernel-error.ts';
import type { Kernel } from '../ports.ts';
import { shortRev } from './candidate.ts';
import type { Convergence } from './convergence.ts';
import type { Had } from './cuts.ts';
import type { Target } from './target.ts';

/** Of what converges, what is asked here. */
type Source = Pick<Convergence, 'ledger' | 'judge' | 'targets' | 'observed' | 'idOf'>;

/**
 * What of a set still stands in a kernel that was told of another one, as it stands there: the kernel's word beats that of the store.
 * An entry does not name its next hop: what stands otherwise than the set says goes where one of the known actions leads that leads
 * there, too, or else to the MAC address of its entry. It ends when its entry does, and is not given up in silence: nobody knows after
 * which. Nothing is kept of it, and of what stands as the set says nothing is made.
 */
export class StillStanding implements Had {
  readonly #source: Source;
  readonly #clock: Kernel['clock'];
  readonly #nowMs: number;
  #size: number | undefined;

  /** `nowMs`: epoch milliseconds. */
  constructor(source: Source, clock: Kernel['clock'], nowMs: number) {
    this.#source = source;
    this.#clock = clock;
    this.#nowMs = nowMs;
  }

  get size(): number {
    if (this.#size !== undefined) return this.#size;
    let size = 0;
    for (const key of this.keys()) if (this.#revOf(key) !== undefined) size += 1;
    this.#size = size;
    return size;
  }

  /** Also of what does not stand. */
  keys(): IteratorObject<string> {
    return this.#source.ledger.desired.keys();
  }

  /** `put`: what is to take its place. */
  get(key: string, put?: Intent): Intent | undefined {
    const { ledger, observed } = this.#source;
    const intent = ledger.desired.get(key);
    const rev = this.#revOf(key);
    if (intent === undefined || rev === undefined) return undefined;
    if (rev === shortRev(intent.rev) && !this.#isAsleep(intent)) return intent;
    const row = observed.entries.rowOf(this.#source.idOf(key));
    return row === undefined ? undefined : this.#asItStands(intent, observed.entries.lookAt(row).value, put);
  }

  /** Undefined where no sound entry stands. */
  #revOf(key: string): number | undefined {
    return this.#source.observed.entries.soundRevOf(this.#source.idOf(key));
  }

  /** By what is stored its entry went by itself: since then it came back. */
  #isAsleep({ key, idle }: Intent): boolean {
    return idle !== undefined && this.#source.ledger.states.get(key)?.state === 'idle';
  }

  #asItStands(intent: Intent, value: EntryValue, put: Intent | undefined): Intent {
    const { key, name, match, to: stored } = intent;
    const known = [...(put === undefined ? [] : [put]), intent].find((it) => this.#leadsThere(it, value));
    const made = known?.to ?? this.#actionOf(value) ?? stored;
    // Who limits targets does not know where a MAC address leads, and its entry would go.
    const to = this.#source.judge.of({ match, to: made }).is === 'denied' ? stored : made;
    const { until, rev } = value;
    const expires = until === 0n ? undefined : (this.#msOf(until) ?? intent.expires);
    return { key, rev, name, match, to, ...(expires !== undefined && { expires }) };
  }

  /** While a next hop does not answer, the revision says whether the entry is made for it. */
  #leadsThere({ to, rev }: Intent, value: EntryValue): boolean {
    if (typeof to === 'string' || value.action !== 'send') return to === value.action;
    if ((to.ttl === 'keep') !== value.keepTtl) return false;
    const target = this.#source.targets.of({ to });
    return target.state === 'ready' ? isThere(target, value) : shortRev(rev) === value.rev;
  }

  /** Undefined where its interface is gone. */
  #actionOf({ action, ifindex, dmac: mac, keepTtl }: EntryValue): Action | undefined {
    if (action !== 'send') return action;
    const netdev = this.#source.targets.network.netdevs.find((dev) => dev.ifindex === ifindex);
    return netdev && { interface: netdev.name, mac, ...(keepTtl && { ttl: 'keep' as const }) };
  }

  /** Undefined where the pins are gone, and the program that says what time it is with them. */
  #msOf(until: bigint): number | undefined {
    try {
      const { jiffies, hz } = this.#clock.now();
      return Math.max(1, this.#nowMs + Math.round((Number(until - jiffies) * 1000) / hz));
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return undefined;
    }
  }
}

function isThere(target: Extract<Target, { state: 'ready' }>, { ifindex, dmac }: EntryValue): boolean {
  return target.ifindex === ifindex && target.dmac === dmac;
}
