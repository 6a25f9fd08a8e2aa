import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Ended, must, Running, run, until } from './process.ts';

const ROOT = join(import.meta.dirname, '../..');
export const UP = [process.execPath, join(ROOT, 'demo/cluster/up.ts')];
export const STEP_MS = 120_000;

/** The words of a `shunt` command that asks the bus at `url`. */
export function shuntAt(url: string, ...args: readonly string[]): string[] {
  return [process.execPath, join(ROOT, 'cli/shunt.js'), ...args, '--nats', url];
}

/** The network namespaces of a cluster, by the place that they are. */
export async function namespacesOf(up: Running): Promise<ReadonlyMap<string, string>> {
  const names = (await must(['ip', 'netns', 'list'])).matchAll(new RegExp(`^shunt-${up.pid}-[0-9a-f]+-(\\S+)`, 'gm'));
  return new Map([...names].map(([name, place = '']) => [place, name]));
}

/** The processes at a place whose command line has the word. */
export async function pidsAt(up: Running, place: string, word: string): Promise<readonly number[]> {
  const pids = (await must(['ip', 'netns', 'pids', (await namespacesOf(up)).get(place) ?? ''])).split('\n');
  const found: number[] = [];
  for (const pid of pids.filter((line) => line !== ''))
    if ((await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(word)) found.push(Number(pid));
  return found;
}

/** `./dev up`, as it runs beside the test that uses it. */
export class Cluster implements AsyncDisposable {
  readonly #held: AsyncDisposableStack;
  readonly #up: Running;
  readonly url: string;

  private constructor(held: AsyncDisposableStack, up: Running, url: string) {
    this.#held = held;
    this.#up = up;
    this.url = url;
  }

  static async start(hosts: number): Promise<Cluster> {
    await using held = new AsyncDisposableStack();
    const up = held.use(await Running.start('up', [...UP, '--hosts', `${hosts}`]));
    await up.until('asks', 2 * STEP_MS, () => up.lines.some((line) => line.includes('Ctrl-C ends it')));
    const url = /SHUNT_NATS=(\S+)/.exec(up.lines.join('\n'))?.[1] ?? 'nats://127.0.0.1:4222';
    return new Cluster(held.move(), up, url);
  }

  /** Runs `shunt` as on a terminal of 80 columns. */
  shunt(...args: readonly string[]): Promise<Ended> {
    return run(['env', 'COLUMNS=80', ...shuntAt(this.url, ...args)]);
  }

  /** Runs a command at a place: in its network namespace. */
  async at(place: string, ...argv: readonly string[]): Promise<string> {
    const netns = (await namespacesOf(this.#up)).get(place) ?? '';
    return must(['nsenter', `--net=/run/netns/${netns}`, ...argv]);
  }

  async signal(place: string, word: string, signal: NodeJS.Signals): Promise<void> {
    for (const pid of await pidsAt(this.#up, place, word)) process.kill(pid, signal);
  }

  /** The folder of a place: its pins, the state of its agent, and what starts its programs again. */
  folder(place: string): string {
    const [found] = this.#up.lines.flatMap((line) => /(\/\S+)\/edge-1\/agent\.log/.exec(line)?.[1] ?? []);
    return join(found ?? '', place);
  }

  /** Starts a program that was ended again. */
  async startAgain(place: string, program: string): Promise<void> {
    this.#held.use(await Running.start(`${program} of ${place}`, [join(this.folder(place), `start-${program}`)]));
  }

  /** Waits until what `shunt` says is as it shall be; answers that. */
  async until(what: string, says: RegExp, ...args: readonly string[]): Promise<string> {
    let last: Ended | undefined;
    const look = async () => {
      last = await this.shunt(...args);
      return says.test(last.stdout + last.stderr) && last.stdout;
    };
    return until(what, STEP_MS, look, 500).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; the last answer was ${last?.stdout}${last?.stderr}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.disposeAsync();
  }
}
