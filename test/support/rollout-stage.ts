import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostsReply } from '../../protocol/listings.ts';
import type { RolloutHead } from '../../protocol/rollout.ts';
import type { RolloutStartReply } from '../../protocol/rollout-start.ts';
import type { RolloutStatusReply } from '../../protocol/rollout-status.ts';
import { startHostAtBus } from './at-bus.ts';
import { type Operator, startHost } from './operator.ts';
import { type Running, until } from './process.ts';
import { C, NATS_URL, SERVICE, Testbed } from './testbed.ts';
import { Asker, Echo, PORT } from './traffic.ts';

export const NAME = 'to-c';
const STEP_MS = 180_000;
const LOOK_AGAIN_MS = 200;
const RATE = 200;
const REASON = ['--reason', 'a test has no time'];

/** One host of the stage, with those who ask and answer at it. */
export interface StageHost {
  readonly bed: Testbed;
  readonly asker: Asker;
  readonly operator: Operator;
  agent: Running;
}

/** A rollout, and the hosts of each wave. */
export interface Begun {
  readonly id: string;
  readonly waves: readonly (readonly string[])[];
}

/** How far the controller and a host have come with its log. */
export interface Touch {
  readonly head: number;
  readonly stored: number;
  readonly entries: number;
}

export interface StageOptions {
  /** The program is also where packets of the bus come in, and agents have guard files, which are not there yet. */
  readonly atBus?: true;
}

/** Several hosts in namespaces of their own, each with its A and C, and one bus with one controller. */
export class RolloutStage implements AsyncDisposable {
  readonly #held: AsyncDisposableStack;
  readonly #first: Testbed;
  readonly hosts: ReadonlyMap<string, StageHost>;
  #controller: Running;

  private constructor(held: AsyncDisposableStack, first: Testbed, controller: Running, hosts: readonly StageHost[]) {
    this.#held = held;
    this.#first = first;
    this.#controller = controller;
    this.hosts = new Map(hosts.map((host) => [host.bed.host, host]));
  }

  static async make(count: number, options: StageOptions = {}): Promise<RolloutStage> {
    await using held = new AsyncDisposableStack();
    const first = held.use(await Testbed.make({ host: nameOf(1) }));
    await first.startNats();
    const controller = await first.startController();
    const beds = [first];
    for (let number = 2; number <= count; number += 1)
      beds.push(held.use(await Testbed.make({ host: nameOf(number), beside: first })));
    const hosts = await Promise.all(beds.map((bed) => populate(bed, options)));
    const stage = new RolloutStage(held.move(), first, controller, hosts);
    await stage.#heard();
    return stage;
  }

  /** Waits until the controller knows all hosts: one that comes later makes a plan stale. */
  async #heard(): Promise<void> {
    await until('all hosts are heard', STEP_MS, async () => {
      const { items } = await this.shunt<HostsReply>('hosts');
      return items.filter(({ seenAt }) => seenAt !== null).length === this.hosts.size;
    });
  }

  /** Kills the controller, and answers when it is dead. */
  async killController(): Promise<void> {
    await this.#controller.stop('SIGKILL');
  }

  /** Starts one in its place. */
  async startController(): Promise<void> {
    this.#controller = await this.#first.startController();
  }

  host(name: string | undefined): StageHost {
    const found = this.hosts.get(name ?? '');
    if (found === undefined) throw new Error(`there is no host ${name}`);
    return found;
  }

  /** Every A asks, without end. */
  async ask(): Promise<void> {
    const askers = [...this.hosts.values()].map(async ({ asker }) => {
      await asker.steady(RATE);
      await asker.answeredBy('b', STEP_MS);
    });
    await Promise.all(askers);
  }

  async shunt<T>(...words: readonly string[]): Promise<T> {
    return (await this.#first.ask(...words)) as T;
  }

  /** Asks for what is refused, and answers why. */
  async refused(...words: readonly string[]): Promise<string> {
    const { status, stderr } = await this.#first.shunt(
      'bus',
      ...words,
      '--nats',
      NATS_URL,
      '--timeout',
      '1m',
      '-o',
      'json',
    );
    if (status === 0) throw new Error(`nobody refused shunt ${words.join(' ')}`);
    const last = stderr.trim().split('\n').at(-1) ?? '';
    return (JSON.parse(last) as { readonly error: { readonly code: string } }).error.code;
  }

  /** Writes redirects to a file, and answers where it is. */
  async write(name: string, specs: readonly object[]): Promise<string> {
    const file = join(this.#first.folder, name);
    await writeFile(file, specs.map((spec) => `${JSON.stringify(spec)}\n`).join(''));
    return file;
  }

  /** Begins to send the service's packets to C, or elsewhere, and answers the id and the hosts of each wave. */
  async start(to: object, ...terms: readonly string[]): Promise<Begun> {
    const match = { dst: SERVICE.v4, proto: 'udp', dport: PORT };
    return await this.begin({ name: NAME, hosts: { role: 'edge' }, match, to }, ...terms);
  }

  /** The same of any redirect. */
  async begin(spec: object, ...terms: readonly string[]): Promise<Begun> {
    const words = ['rollout', 'start', '-f', await this.write('rollout.jsonl', [spec]), ...REASON, ...terms];
    const { rollout, waves } = await this.shunt<RolloutStartReply>(...words);
    if (rollout === undefined) throw new Error('it did not begin');
    return { id: rollout.id, waves: waves.map(({ hosts }) => hosts) };
  }

  /** How it stands; the exit status says the same once more. */
  async status(id: string): Promise<RolloutStatusReply> {
    const words = ['rollout', 'status', id, '--nats', NATS_URL, '--timeout', '1m', '-o', 'json'];
    const { stdout, stderr } = await this.#first.shunt('bus', ...words);
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as RolloutStatusReply;
  }

  /** Waits until a rollout is as it shall be, and answers how it is then. */
  async until(
    what: string,
    id: string,
    is: (rollout: RolloutHead, status: RolloutStatusReply) => boolean,
  ): Promise<RolloutStatusReply> {
    let last: RolloutStatusReply | undefined;
    const look = async (): Promise<RolloutStatusReply | false> => {
      last = await this.status(id);
      return is(last.rollout, last) && last;
    };
    return await until(what, STEP_MS, look, LOOK_AGAIN_MS).catch((error: unknown) => {
      const { rollout, gates, evidence } = last ?? {};
      throw new Error(`${(error as Error).message}: ${JSON.stringify({ rollout, gates, evidence }, undefined, 1)}`);
    });
  }

  /** How often each host was told anything, and what stands in its kernel. */
  async touched(...names: readonly (string | undefined)[]): Promise<readonly Touch[]> {
    const { items } = await this.shunt<HostsReply>('hosts');
    const touches = names.map(async (name): Promise<Touch> => {
      const item = items.find(({ host }) => host === name);
      const entries = await this.host(name).bed.entries('redirect4');
      return { head: item?.head ?? -1, stored: item?.stored ?? -1, entries: entries.length };
    });
    return await Promise.all(touches);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.disposeAsync();
  }
}

function nameOf(number: number): string {
  return `edge-${number}`;
}

/** Everything that runs on a host, and those who ask and answer there. */
async function populate(bed: Testbed, { atBus }: StageOptions): Promise<StageHost> {
  const { agent, operator } = await (atBus ? startHostAtBus(bed) : startHost(bed, ['--mode', 'native']));
  const [asker] = await Promise.all([Asker.start(bed), Echo.start(bed, 'b'), Echo.start(bed, 'c')]);
  return { bed, agent, operator, asker };
}

export const TO_C = { nexthop: C.v4 } as const;
/** Nobody is there. */
export const TO_NOBODY = { nexthop: '192.0.2.99' } as const;
