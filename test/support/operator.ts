import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApplyReply, DeleteReply } from '../../protocol/api.ts';
import type { Dump, DumpEntry } from '../../protocol/ask.ts';
import type { Status } from '../../protocol/status.ts';
import { type Ended, type Running, until } from './process.ts';
import { C, HOST, NATS_URL, SERVICE, type Testbed } from './testbed.ts';
import { PORT } from './traffic.ts';

export const CONVERGE_MS = 20_000;

export type Family = 'v4' | 'v6';

/** The redirect of the service's traffic from B to C. */
export function serviceRedirect(name: string, family: Family, to: object = { nexthop: C[family] }): object {
  return { name, hosts: [HOST], match: { dst: SERVICE[family], proto: 'udp', dport: PORT }, to };
}

/** Everything running: nats-server, the controller, the attached program and the agent as nobody. */
export async function startProduct(bed: Testbed, ...attach: readonly string[]): Promise<Product> {
  const nats = await bed.startNats();
  const controller = await bed.startController();
  const attached = await bed.attach('--interface', 'to-a', '--interface', 'to-c', ...attach);
  if (attached.status !== 0) throw new Error(`shunt attach ended with ${attached.status}: ${attached.stderr}`);
  const agent = await bed.startAgent();
  const operator = new Operator(bed);
  await agent.until('reports its status', CONVERGE_MS, async () => (await operator.status()) !== undefined);
  return { nats, controller, agent, operator };
}

export interface Product {
  readonly nats: Running;
  readonly controller: Running;
  readonly agent: Running;
  readonly operator: Operator;
}

/** Who works with the `shunt` command beside the bus. */
export class Operator {
  readonly #bed: Testbed;

  constructor(bed: Testbed) {
    this.#bed = bed;
  }

  /** Applies specs from a file, whatever comes of it; JSON is YAML. */
  async tryApply(specs: readonly object[]): Promise<Ended> {
    return await this.#bed.shunt('bus', 'apply', '-f', await this.#write(specs), '--nats', NATS_URL, '-o', 'json');
  }

  async apply(...specs: readonly object[]): Promise<ApplyReply> {
    return (await this.#bed.ask('apply', '-f', await this.#write(specs))) as ApplyReply;
  }

  async #write(specs: readonly object[]): Promise<string> {
    const file = join(this.#bed.folder, 'redirects.yaml');
    await writeFile(file, JSON.stringify({ redirects: specs }));
    return file;
  }

  async delete(...names: readonly string[]): Promise<DeleteReply> {
    return (await this.#bed.ask('delete', ...names)) as DeleteReply;
  }

  /** The agent's status; undefined when it does not answer. */
  async status(): Promise<Status | undefined> {
    return (await this.#bed.ask('status', '--host', HOST).catch(() => undefined)) as Status | undefined;
  }

  /** Waits until the agent has applied this revision, and answers its status. */
  async applied(rev: number, withinMs = CONVERGE_MS): Promise<Status> {
    let last: Status | undefined;
    return await until(`revision ${rev} is applied`, withinMs, async () => {
      last = await this.status();
      return last !== undefined && last.applied >= rev && last;
    }).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; the last status was ${JSON.stringify(last)}`);
    });
  }

  async dump(): Promise<readonly DumpEntry[]> {
    return ((await this.#bed.ask('dump', '--host', HOST)) as Dump).items;
  }
}
