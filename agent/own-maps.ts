import type { Clock } from '../daemon/clock.ts';
import type { Log } from '../daemon/log.ts';
import type { Native } from '../native/index.ts';
import { Claim, keptSentence } from './kernel/claim.ts';
import { bindSocket, findOlderAgent } from './kernel/claim-socket.ts';
import { NativeKernel } from './kernel/native-kernel.ts';
import { pinPaths } from './kernel/pins.ts';
import type { Followed } from './model/followed.ts';
import { KernelError } from './model/kernel-error.ts';

type Says = Pick<Log, 'warn' | 'info'>;

export interface OwnMapsOptions {
  readonly log: Says;
  readonly clock: Clock;
  /** Called once maps of another layout wait for an agent that speaks it. */
  readonly leave: () => void;
}

/** The maps that are pinned, opened for this agent alone. */
export class OwnMaps implements AsyncDisposable {
  readonly kernel: NativeKernel;
  readonly #pinRoot: string;
  readonly #claim: Claim;
  readonly #log: Says;
  readonly #leave: () => void;
  #socket: AsyncDisposable | undefined;
  /** The maps that are ours. */
  #owned: string | undefined;

  private constructor(kernel: NativeKernel, pinRoot: string, claim: Claim, log: Says, leave: () => void) {
    this.kernel = kernel;
    this.#pinRoot = pinRoot;
    this.#claim = claim;
    this.#log = log;
    this.#leave = leave;
  }

  /** Nothing is opened before it is claimed. Errors: KernelError, also when another agent has them. */
  static async open(native: Native, pinRoot: string, { log, clock, leave }: OwnMapsOptions): Promise<OwnMaps> {
    await using held = new AsyncDisposableStack();
    const claim = held.use(new Claim(native, pinRoot));
    const claimed = claim.take();
    const kernel = held.use(new NativeKernel(native, pinRoot, () => clock.nowMs()));
    const maps = new OwnMaps(kernel, pinRoot, claim, log, leave);
    await maps.#own(claimed);
    held.move();
    return maps;
  }

  /** Takes what is pinned now, if no other agent has it. Errors: KernelError; nothing is to be written then. */
  async reopen(): Promise<void> {
    const claimed = this.#claim.take();
    this.kernel.reopen();
    if (this.kernel.instance !== this.#owned) await this.#own(claimed);
  }

  /** Looks whether other maps take the place of ours. */
  follow(): Followed {
    const followed = this.kernel.follow();
    if (followed !== 'other layout') return followed;
    this.#log.info({}, 'maps of another layout wait to be filled: this agent ends, so that one that speaks it goes on');
    this.#leave();
    return 'same';
  }

  /** Lets agents know that know of sockets only, and writes down who has them. */
  async #own(claimed: boolean): Promise<void> {
    const { instance, controlId } = this.kernel;
    await this.#socket?.[Symbol.asyncDispose]();
    this.#socket = await bindSocket(instance);
    if (this.#socket === undefined) this.#withoutSocket(claimed, findOlderAgent(instance, controlId));
    this.kernel.sign();
    this.#owned = instance;
  }

  /** Whoever has the socket and not the maps can stop nobody but where there is no claim. */
  #withoutSocket(claimed: boolean, older: ReturnType<typeof findOlderAgent>): void {
    const { claim, layout } = pinPaths(this.#pinRoot);
    if (older !== undefined) throw new KernelError('claim', layout, 'EADDRINUSE', keptSentence(older));
    const { instance } = this.kernel;
    if (claimed) {
      this.#log.warn({ socket: `shunt-agent/${instance}` }, 'somebody who is no agent has the socket of older agents');
      return;
    }
    const how = `run \`shunt attach\` as root once more, which makes ${claim}`;
    throw new KernelError(
      'claim',
      layout,
      'EADDRINUSE',
      `another agent keeps these maps, or has taken its socket; ${how}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket?.[Symbol.asyncDispose]();
    this.kernel[Symbol.dispose]();
    this.#claim[Symbol.dispose]();
  }
}
