import { chownSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { EVENTS_NAME } from '../../agent/store/sqlite-store.ts';
import { DATABASE_NAME } from '../../agent/store/tables.ts';
import type { ApplyReply } from '../../protocol/api.ts';
import type { HostsReply } from '../../protocol/listings.ts';
import { inKernel } from '../support/in-kernel.ts';
import { type Operator, type Product, startProduct } from '../support/operator.ts';
import { must, type Running, until } from '../support/process.ts';
import { HOST, NATS_URL, NOBODY, shuntCommand, Testbed } from '../support/testbed.ts';
import type { Damage } from './campaign.ts';
import type { Moment, Outcome } from './controller-stage.ts';

type Program = 'controller' | 'agent';

const REDIRECTS = 60;
/** What an agent asks by itself it asks within a fraction of this, also on a busy machine. */
const SETTLE_MS = 180_000;
const LOOK_AGAIN_MS = 200;
const SUFFIXES = ['', '-wal', '-shm'] as const;
const MAC = '02:00:00:00:0c:02';
/** Codes whose page says how to leave. */
const KNOWN = ['HISTORY_LOST', 'FOREIGN_EPOCH', 'SPECS_DAMAGED'];
const EDGE = { hosts: { role: 'edge' } };

/** The files of one program, as they were. */
type Files = ReadonlyMap<string, Buffer>;

/**
 * Controller, bus and an agent as processes, with a kernel. Between two faults it is put back as it was where a fault took
 * something that nothing can bring back.
 */
export class ProductStage implements AsyncDisposable {
  readonly #bed: Testbed;
  readonly #operator: Operator;
  readonly #running: Record<Program, Running>;
  #changes = 0;

  private constructor(bed: Testbed, { operator, controller, agent }: Product) {
    this.#bed = bed;
    this.#operator = operator;
    this.#running = { controller, agent };
  }

  static async make(): Promise<ProductStage> {
    const bed = await Testbed.make();
    try {
      const stage = new ProductStage(bed, await startProduct(bed));
      const { rev } = await stage.#applyAll();
      await stage.#operator.applied(rev);
      return stage;
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Damages the files of a program, lets it serve, has something changed, and looks at the kernel all the while. */
  async run(program: Program, moment: Moment, damage: Damage): Promise<Outcome> {
    const before = await this.#standing();
    if (moment === 'serving') await this.#restart(program);
    else await this.#running[program].stop(moment === 'killed' ? 'SIGKILL' : 'SIGTERM');
    const files = moment === 'serving' ? this.#snapshots(program) : this.#files(program);
    damage(this.#paths(program));
    if (moment !== 'serving') await this.#start(program);
    const code = await this.#settled(KNOWN);
    const ended = this.#running[program].status === undefined ? undefined : this.#running[program].lines.join('\n');
    const after = await this.#standing();
    const outcome = judge(before, after, code, ended);
    return { ...outcome, stuck: !(await this.#isRemedied(program, files)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bed[Symbol.asyncDispose]();
  }

  /** Has one redirect changed; answers why that did not reach the kernel, or nothing. `ends` are reasons to wait no longer. */
  async #settled(ends: readonly string[]): Promise<string> {
    let code = 'nothing was answered';
    const look = async (): Promise<boolean> => {
      if (Object.values(this.#running).some(({ status }) => status !== undefined)) return true;
      code = await this.#change().catch((error: Error) => error.message);
      return code === '' || ends.includes(code);
    };
    await until('the product settles', SETTLE_MS, look, LOOK_AGAIN_MS).catch(() => {});
    return code;
  }

  async #change(): Promise<string> {
    this.#changes += 1;
    const { rev } = await this.#operator.apply(redirect(REDIRECTS, this.#changes));
    const reached = async (): Promise<string | undefined> => {
      const status = await this.#operator.status();
      const problem = status?.problems?.[0]?.code;
      if (problem !== undefined && KNOWN.includes(problem)) return problem;
      return status !== undefined && status.applied >= rev && problem === undefined ? 'reached' : undefined;
    };
    const found = await until('the change is applied', SETTLE_MS / 2, reached, LOOK_AGAIN_MS);
    if (found !== 'reached') return found;
    const { damage } = (await this.#bed.ask('hosts')) as Pick<HostsReply, 'damage'>;
    return damage?.code ?? '';
  }

  /**
   * What is missing is applied again; what is gone for good is put back as it was; and where the backup does not know the
   * host either, the host gives up its history. Answers whether all is well then.
   */
  async #isRemedied(program: Program, files: Files): Promise<boolean> {
    if (this.#running[program].status === undefined) {
      await this.#applyAll().catch(() => {});
      if ((await this.#change().catch(() => 'not well')) === '') return true;
    }
    await this.#putBack(program, files);
    if ((await this.#settled([])) === '') return true;
    await this.#giveUpHistory();
    return (await this.#settled([])) === '';
  }

  async #putBack(program: Program, files: Files): Promise<void> {
    await this.#running[program].stop();
    this.#databases(program).forEach(rmDatabase);
    for (const [path, data] of files) {
      writeFileSync(path, data, { mode: 0o600 });
      if (program === 'agent') chownSync(path, NOBODY, NOBODY);
    }
    await this.#start(program);
  }

  /** What docs/operations.md says to do where the newest backup is older than what the host has seen. */
  async #giveUpHistory(): Promise<void> {
    await this.#applyAll();
    await this.#running.agent.stop();
    await must(this.#bed.inside('b', shuntCommand(['detach', '--pin-root', this.#bed.pinRoot])));
    rmDatabase(join(this.#bed.state, DATABASE_NAME));
    const attached = await this.#bed.attach('--interface', 'to-a', '--interface', 'to-c');
    if (attached.status !== 0) throw new Error(`shunt attach ended with ${attached.status}: ${attached.stderr}`);
    await this.#start('agent');
  }

  async #applyAll(): Promise<ApplyReply> {
    return await this.#operator.apply(...Array.from({ length: REDIRECTS }, (_, n) => redirect(n)));
  }

  async #restart(program: Program): Promise<void> {
    await this.#running[program].stop();
    await this.#start(program);
    await this.#settled(KNOWN);
  }

  async #start(program: Program): Promise<void> {
    if (program === 'agent') {
      this.#running.agent = await this.#bed.startAgent();
      return;
    }
    const args = ['controller', '--nats', NATS_URL, '--db', this.#bed.database];
    this.#running.controller = await this.#bed.start('bus', 'controller', shuntCommand(args));
  }

  #files(program: Program): Files {
    const there = this.#paths(program).filter((path) => existsSync(path));
    return new Map(there.map((path) => [path, readFileSync(path)]));
  }

  /** Of databases that are in use, as one moment had them. */
  #snapshots(program: Program): Files {
    const paths = this.#databases(program).filter((path) => existsSync(path));
    return new Map(paths.map((path) => [path, snapshot(path)]));
  }

  /** Databases and their logs; the index of a log is made anew from it. */
  #paths(program: Program): readonly string[] {
    return this.#databases(program).flatMap((path) => [path, `${path}-wal`]);
  }

  #databases(program: Program): readonly string[] {
    if (program === 'controller') return [this.#bed.database];
    return [DATABASE_NAME, EVENTS_NAME].map((name) => join(this.#bed.state, name));
  }

  /** All that stands but the one that is changed. */
  async #standing(): Promise<ReadonlySet<string>> {
    const changed = addressOf(REDIRECTS);
    return new Set([...(await inKernel(this.#bed))].filter((entry) => !entry.startsWith(`${changed} `)));
  }
}

function rmDatabase(path: string): void {
  for (const suffix of SUFFIXES) rmSync(path + suffix, { force: true });
}

function snapshot(path: string): Buffer {
  const database = new BetterSqlite3(path, { readonly: true });
  try {
    return database.serialize();
  } finally {
    database.close();
  }
}

function judge(
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
  code: string,
  ended: string | undefined,
): Omit<Outcome, 'stuck'> {
  const known = KNOWN.includes(code);
  return {
    wronged: [...before].filter((entry) => !after.has(entry)).map((entry) => `${HOST} ${entry}`),
    held: known ? [`${HOST} ${code}`] : [],
    lost: ended === undefined && code !== '' && !known ? [`${HOST} ${code}`] : [],
    refused: ended,
    mute: ended !== undefined && !/shunt (agent|controller): .*; /.test(ended),
  };
}

function addressOf(n: number): string {
  return `100.64.0.${n}`;
}

/** Another version is another MAC address. */
function redirect(n: number, version = 0): object {
  const mac = version % 2 === 0 ? MAC : MAC.replace(/02$/, '03');
  return { name: `many-${n}`, ...EDGE, match: { dst: addressOf(n), proto: 'udp' }, to: { interface: 'to-c', mac } };
}
