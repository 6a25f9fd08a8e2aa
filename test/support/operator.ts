import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApplyReply } from '../../protocol/api.ts';
import type { Dump, DumpEntry } from '../../protocol/ask.ts';
import type { DeleteReply } from '../../protocol/delete.ts';
import type { Status } from '../../protocol/status.ts';
import { type Running, until } from './process.ts';
import { C, HOST, SERVICE, type Testbed } from './testbed.ts';
import { PORT } from './traffic.ts';

export const CONVERGE_MS = 120_000;
/** Each look is a process of its own. */
const LOOK_AGAIN_MS = 100;
/** What the size gate lets by of any host. */
const FEW = 5;
const REASON = ['--reason', 'a test has many'];

export type Family = 'v4' | 'v6';

/** The redirect of the service's traffic from B to C. */
export function serviceRedirect(name: string, family: Family, to: object = { nexthop: C[family] }): object {
  return { name, hosts: [HOST], match: { dst: SERVICE[family], proto: 'udp', dport: PORT }, to };
}

/** Everything running: nats-server, the controller, the attached program and the agent as nobody. */
export async function startProduct(bed: Testbed, ...attach: readonly string[]): Promise<Product> {
  const nats = await bed.startNats();
  const controller = await bed.startController();
  return { nats, controller, ...(await startHost(bed, attach)) };
}

/** The attached program and the agent as nobody, where the rest runs. */
export async function startHost(
  bed: Testbed,
  attach: readonly string[] = [],
  agentArgs: readonly string[] = [],
): Promise<Pick<Product, 'agent' | 'operator'>> {
  await attachHost(bed, attach);
  const agent = await bed.startAgent(...agentArgs);
  const operator = new Operator(bed);
  await agent.until('reports its status', CONVERGE_MS, async () => (await operator.status()) !== undefined);
  return { agent, operator };
}

/** The program, where packets of A and C come in. */
export async function attachHost(bed: Testbed, more: readonly string[] = []): Promise<void> {
  const { status, stderr } = await bed.attach('--interface', 'to-a', '--interface', 'to-c', ...more);
  if (status !== 0) throw new Error(`shunt attach ended with ${status}: ${stderr}`);
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

  /** Applies specs from a file of JSON lines. */
  async apply(...specs: readonly object[]): Promise<ApplyReply> {
    const file = join(this.#bed.folder, 'redirects.jsonl');
    await writeFile(file, specs.map((spec) => `${JSON.stringify(spec)}\n`).join(''));
    const terms = specs.length > FEW ? ['--allow-growth', '--allow-shrink', ...REASON] : [];
    return (await this.#bed.ask('apply', '-f', file, ...terms)) as ApplyReply;
  }

  async delete(...names: readonly string[]): Promise<DeleteReply> {
    const terms = names.length > FEW ? ['--allow-shrink', ...REASON] : [];
    return (await this.#bed.ask('delete', ...names, ...terms)) as DeleteReply;
  }

  /** The agent's status; undefined when it does not answer. */
  async status(): Promise<Status | undefined> {
    return (await this.#bed.ask('status', '--host', this.#bed.host, '--timeout', '5s').catch(() => undefined)) as
      | Status
      | undefined;
  }

  /** Waits until the agent has applied this revision, and answers its status. With the agent at hand, its end ends it. */
  async applied(rev: number, withinMs = CONVERGE_MS, agent?: Running): Promise<Status> {
    let last: Status | undefined;
    const look = async () => {
      if (agent?.status !== undefined) throw new Error(`the agent ended: ${agent.lines.slice(-5).join(' ')}`);
      last = await this.status();
      return last !== undefined && last.applied >= rev && last;
    };
    return await until(`revision ${rev} is applied`, withinMs, look, LOOK_AGAIN_MS).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; the last status was ${JSON.stringify(last)}`);
    });
  }

  async dump(): Promise<readonly DumpEntry[]> {
    return ((await this.#bed.ask('dump', '--host', this.#bed.host)) as Dump).items;
  }
}
