import { join } from 'node:path';
import { type Ended, must, Running, run, until } from '../support/process.ts';

export const ROOT = join(import.meta.dirname, '../..');
const START_MS = 600_000;
const STOP_MS = 30_000;

/** Where there is no Docker, each command of README.md is said with this before it. */
export const BY_ENGINE = join(ROOT, 'docker/engine');

/** A Docker engine for the time of a test, and one project of compose.yaml on it. */
export class Engine implements AsyncDisposable {
  readonly #holder: Running;

  private constructor(holder: Running) {
    this.#holder = holder;
  }

  static async start(): Promise<Engine> {
    const holder = await Running.start('engine', [BY_ENGINE, 'sh', '-c', 'echo ready; read -r _']);
    await holder.until('is ready', START_MS, () => holder.lines.includes('ready'));
    return new Engine(holder);
  }

  #inside(command: string): string[] {
    return ['env', '-C', ROOT, 'COMPOSE_PROJECT_NAME=shunt-test', BY_ENGINE, 'sh', '-c', command];
  }

  /** Runs a command line of the shell in the checkout, that has to succeed. */
  async must(command: string): Promise<string> {
    return await must(this.#inside(command));
  }

  async run(command: string): Promise<Ended> {
    return await run(this.#inside(command));
  }

  async start(command: string, onLine: (line: string) => void): Promise<Running> {
    return await Running.start(command, this.#inside(command), onLine);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#holder.write('');
    await until('the engine ends', STOP_MS, () => this.#holder.status !== undefined);
  }
}
