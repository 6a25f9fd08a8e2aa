import { join } from 'node:path';
import type { Running } from './process.ts';
import { SERVICE, type Testbed } from './testbed.ts';

export const PORT = 4433;

/** On each CPU an entry may be met for 256 ticks after it was deleted behind the agent's back: so long at 100 a second. */
export const BELIEVED_MS = 2_600;

/** Sizes of the datagrams, in turn. */
export const PAYLOAD_BYTES = { min: 40, max: 103 } as const;

/** Bytes of a frame before the payload: Ethernet, IP, UDP. */
export const HEADER_BYTES = { v4: 14 + 20 + 8, v6: 14 + 40 + 8 } as const;

/** What the sockets of one host received; `bytes` are of payload, `distinct` numbers a source and number once. */
export interface Counted {
  readonly datagrams: number;
  readonly bytes: number;
  readonly distinct: number;
}

/** What the asker knows; `lost` were sent a second ago or longer and have no answer. */
export interface Asked {
  readonly sent: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly repeats: number;
  /** Who answered last; empty before the first answer. */
  readonly last: string;
}

/** Somebody else answers: the first datagram that `to` answered. Times as `nowMs`. */
export interface Changed {
  readonly from: string;
  readonly to: string;
  readonly seq: number;
  readonly sentAtMs: number;
  readonly atMs: number;
}

export type Command =
  | { readonly do: 'steady'; readonly rate: number }
  | { readonly do: 'burst'; readonly count: number; readonly window: number }
  | { readonly do: 'stop' }
  | { readonly do: 'report' };
export interface Request {
  readonly id: number;
  readonly command: Command;
}
/** `asked` answers the request `id`. */
export type Said = { readonly id: number; readonly asked: Asked } | { readonly changed: Changed };

/** Milliseconds of CLOCK_MONOTONIC: comparable between the processes of a machine. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

const WINDOW = 64;
const START_MS = 60_000;
const BURST_MS = 60_000;

function program(name: string): string {
  return join(import.meta.dirname, name);
}

/**
 * A service on a host that answers each datagram with the host's name, on the service's addresses of both families and
 * more of its own.
 */
export class Echo {
  readonly #running: Running;

  private constructor(running: Running) {
    this.#running = running;
  }

  static async start(bed: Testbed, place: 'b' | 'c', ...more: readonly string[]): Promise<Echo> {
    const addresses = [SERVICE.v4, SERVICE.v6, ...more];
    const argv = [process.execPath, program('traffic-echo.ts'), place, `${PORT}`, ...addresses];
    const running = await bed.start(place, `echo on ${place}`, argv);
    await running.until('ready', START_MS, () => running.lines.includes('ready'));
    return new Echo(running);
  }

  async counted(): Promise<Counted> {
    const { lines } = this.#running;
    const before = lines.length;
    this.#running.write('counts');
    return await this.#running.until('counts', START_MS, () => parsed<Counted>(lines[before]));
  }
}

/** A's side: asks the service and keeps account of the answers. */
export class Asker {
  readonly #running: Running;
  readonly #replies = new Map<number, Asked>();
  #requests = 0;
  readonly changes: Changed[] = [];

  private constructor(running: Running) {
    this.#running = running;
  }

  /** Asks at each of the targets in turn. */
  static async start(bed: Testbed, target: string = SERVICE.v4, ...more: readonly string[]): Promise<Asker> {
    const argv = [process.execPath, program('traffic-asker.ts'), `${PORT}`, target, ...more];
    const asker: Asker = new Asker(
      await bed.start('a', 'asker', argv, (line) => asker.#hear(JSON.parse(line) as Said)),
    );
    await asker.report();
    return asker;
  }

  #hear(said: Said): void {
    if ('asked' in said) this.#replies.set(said.id, said.asked);
    else this.changes.push(said.changed);
  }

  async #command(command: Command, withinMs: number): Promise<Asked> {
    const id = this.#requests++;
    this.#running.write(JSON.stringify({ id, command } satisfies Request));
    const reply = await this.#running.until(command.do, withinMs, () => this.#replies.get(id));
    this.#replies.delete(id);
    return reply;
  }

  /** Goes on asking, `rate` times a second. */
  async steady(rate: number): Promise<void> {
    await this.#command({ do: 'steady', rate }, START_MS);
  }

  /** Asks `count` times as fast as answers come, and answers the account when all have come or are lost. */
  async burst(count: number): Promise<Asked> {
    return await this.#command({ do: 'burst', count, window: WINDOW }, BURST_MS);
  }

  /** Ends steady asking; every question is answered or lost then. */
  async stop(): Promise<Asked> {
    return await this.#command({ do: 'stop' }, START_MS);
  }

  async report(): Promise<Asked> {
    return await this.#command({ do: 'report' }, START_MS);
  }

  /** Waits until `who` answers, and answers the change to it. */
  async answeredBy(who: string, withinMs: number): Promise<Changed> {
    return await this.#running.until(`${who} answers`, withinMs, () => {
      const last = this.changes.at(-1);
      return last?.to === who ? last : undefined;
    });
  }
}

function parsed<T>(line: string | undefined): T | undefined {
  return line === undefined ? undefined : (JSON.parse(line) as T);
}
