import type { Clock } from '../../daemon/clock.ts';
import type { Log } from '../../daemon/log.ts';
import type { Event } from '../../protocol/event.ts';
import type { HostProblem } from '../../protocol/status.ts';
import { KernelError } from '../model/kernel-error.ts';
import type { Network } from '../model/network.ts';
import type { Kernel, Outbox, SightStore } from '../ports.ts';
import type { Convergence } from './convergence.ts';
import { Delivery, type Egress } from './delivery.ts';
import { sendsOutOf } from './departed.ts';
import { Ingresses, type Moved } from './ingresses.ts';
import { Passing } from './passing.ts';
import { Sight } from './sight.ts';
import { tellIngresses, tellLoss, tellPassed } from './tell.ts';

export interface WatchOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Log;
  readonly host: string;
  readonly outbox: Pick<Outbox, 'changed'>;
  /** Interfaces that ought to have the program. */
  readonly interfaces: readonly string[];
  readonly sight: SightStore;
}

/** As long a `detail` is read. */
const DETAIL_LENGTH = 1024;

/**
 * Looks at what entries do not say: whether packets meet the program, are sent as they are, and arrive. It runs before
 * passes, which may remove what sends there, but for those that a change or two wait for.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #record: (events: readonly Event[]) => Promise<void>;
  readonly #delivery = new Delivery();
  readonly #passing = new Passing();
  readonly #ingresses: Ingresses;
  readonly #sight: Sight;
  #ingressesDue = true;
  #held: boolean;
  #bypass = false;

  constructor(options: WatchOptions, held: boolean, record: (events: readonly Event[]) => Promise<void>) {
    this.#options = options;
    this.#held = held;
    this.#record = record;
    this.#ingresses = new Ingresses(options.interfaces);
    this.#sight = new Sight(options.sight);
  }

  /** What status says of it. */
  get seen() {
    const { list: ingresses, lostSinceMs: unattachedSinceMs } = this.#ingresses;
    return {
      ...{ ingresses, unattachedSinceMs },
      undelivered: this.#delivery.undelivered,
      passed: this.#passing.passed,
    };
  }

  /** That packets pass the program by, and where. */
  get attachProblems(): readonly HostProblem[] {
    const { list, lostSinceMs: since } = this.#ingresses;
    if (since === undefined) return [];
    const where = list.flatMap(({ name, lost }) => (lost === undefined ? [] : [`${name}: ${lost}`]));
    return [
      { code: 'NOT_ATTACHED', since, ...(where.length > 0 && { detail: where.join('; ').slice(0, DETAIL_LENGTH) }) },
    ];
  }

  ingressesNext(): void {
    this.#ingressesDue = true;
  }

  /** The next look is whether packets meet the program. */
  get isDue(): boolean {
    return this.#ingressesDue;
  }

  /** Since when what comes in is counted. */
  get sight(): Pick<Sight, 'since' | 'interfaces'> {
    return this.#sight;
  }

  /** Looks at that this moment. Errors: KernelError. */
  lookForSight(): Pick<Sight, 'since'> {
    this.#see(this.#options.kernel.net.network());
    return this.#sight;
  }

  /** While the set is kept as it is, or is not known to be whole, nobody is seen. */
  hold(is: boolean): void {
    if (is === this.#held) return;
    this.#held = is;
    if (is) this.#sight.blind(); // it may be over before the next look
    this.#ingressesDue = true;
  }

  /** Errors: PinsLostError, other KernelErrors, and those of recording. */
  async look(convergence: Convergence): Promise<void> {
    await this.#lookAtIngresses(convergence);
    await this.#lookAtDelivery(convergence);
    await this.#lookAtPassed(convergence);
  }

  /** Whether somebody on this host put bypass on or off. */
  lookAtBypass(): void {
    const { kernel, log, outbox } = this.#options;
    const bypass = kernel.words.bypass();
    if (bypass === this.#bypass) return;
    this.#bypass = bypass;
    log.warn({ bypass }, 'bypass was put on or off');
    outbox.changed();
  }

  /** The pins are lost. */
  async lose(): Promise<void> {
    await this.#tellIngresses(this.#ingresses.lose(this.#options.clock.nowMs()));
  }

  async #lookAtIngresses(convergence: Convergence): Promise<void> {
    if (!this.#ingressesDue) return;
    this.#ingressesDue = false;
    const { clock, kernel } = this.#options;
    const network = kernel.net.network();
    const moved = this.#ingresses.look(network, clock.nowMs());
    // Before they stand, so that an agent after this one knows it, too.
    if (convergence.silence.takeMissed()) this.#sight.blind();
    this.#see(network);
    if (moved.changed) convergence.refreshNetworkNext();
    await this.#tellIngresses(moved);
  }

  /** What it leaves for the agent after this one is an aid: without it silence is counted from that one's start. */
  #see(network: Network): void {
    const { words, clock } = this.#options.kernel;
    const { jiffies } = clock.now();
    try {
      const shut = this.#held || words.bypass() || !words.isReady(); // what does not stand yet meets no packet
      this.#sight.look(network, { blinds: words.blinds(), shut, jiffies: Number(jiffies) });
    } catch (error) {
      if (error instanceof KernelError) throw error;
      this.#options.log.warn({ error }, 'since when packets are seen was not stored');
    }
  }

  async #tellIngresses(moved: Moved): Promise<void> {
    const { clock, host, log, outbox } = this.#options;
    for (const { name, lost } of moved.lost) log.warn({ interface: name, why: lost }, 'packets pass the program by');
    for (const { name } of moved.back) log.info({ interface: name }, 'packets meet the program again');
    const events = tellIngresses({ host, at: clock.nowMs() }, moved);
    if (moved.changed) outbox.changed();
    if (events.length > 0) await this.#record(events);
  }

  /** An entry says where packets go, not that they arrive. */
  async #lookAtDelivery(convergence: Convergence): Promise<void> {
    const { clock, host, kernel, log, outbox } = this.#options;
    const at = clock.nowMs();
    const egress = (ifindex: number) => egressOf(convergence, ifindex);
    const { begun, changed } = this.#delivery.look(kernel.counts.losses(), egress, at);
    convergence.departed.clear();
    if (changed) outbox.changed();
    for (const loss of begun) {
      const { interface: name, ifindex, errno, intents } = loss;
      log.warn({ interface: name, ifindex, errno, redirects: intents.length }, 'redirected packets do not arrive');
      await this.#record(tellLoss({ host, at }, loss));
    }
  }

  /** An entry says where packets go, not that the program can send each of them there. */
  async #lookAtPassed(convergence: Convergence): Promise<void> {
    const { clock, host, kernel, log, outbox } = this.#options;
    const at = { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
    if (!this.#passing.isDue(at.monotonicMs)) return;
    const { retired } = convergence;
    const holderOf = (slot: number) => convergence.holderOf(slot);
    const { begun, changed } = this.#passing.look(kernel.counts.passed(), holderOf, retired, at);
    retired.clear();
    if (changed) outbox.changed();
    if (begun.length === 0) return;
    const reasons = [...new Set(begun.map(({ reason }) => reason))];
    log.warn({ reasons, redirects: begun.length }, 'packets that match are passed and not sent');
    await this.#record(tellPassed({ host, at: at.nowMs }, begun));
  }
}

/** The device's name, and the intents whose entries send out of it, or did since it was last looked at. */
function egressOf(convergence: Convergence, ifindex: number): Egress {
  const { network, ledger, departed } = convergence;
  const sends = (key: string): boolean => {
    return sendsOutOf(convergence.entryOf(key)?.value, ifindex) || departed.has(key, ifindex);
  };
  return {
    interface: network.netdevs.find((dev) => dev.ifindex === ifindex)?.name ?? null,
    intents: [...ledger.desired.values()].filter(({ key }) => sends(key)),
  };
}
