import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Ended, must, Running, run, until } from '../support/process.ts';

const ROOT = join(import.meta.dirname, '../..');
const START_MS = 600_000;
const STOP_MS = 30_000;

/** Prints its environment, and ends with its standard input or at a first line there. */
const WAITER = 'console.log(JSON.stringify(process.env)); process.stdin.once("data", () => process.exit()).resume()';

/** Where this machine keeps npm's settings and its certificate authorities, if it does; a build may need both. */
const SECRETS = { npmrc: join(homedir(), '.npmrc'), ca: '/etc/ssl/certs/ca-certificates.crt' } as const;

/** A Docker engine for the time of a test, and one project of compose.yaml on it. */
export class Engine implements AsyncDisposable {
  readonly #holder: Running;
  readonly #environment: Readonly<Record<string, string>>;

  private constructor(holder: Running, environment: Readonly<Record<string, string>>) {
    this.#holder = holder;
    this.#environment = environment;
  }

  /** Starts it; `folder` is for the settings of builds on this machine. */
  static async start(folder: string): Promise<Engine> {
    const holder = await Running.start('engine', [join(ROOT, 'docker/engine'), process.execPath, '-e', WAITER]);
    const line = await holder.until('is ready', START_MS, () => holder.lines.find((it) => it.startsWith('{')));
    const given = JSON.parse(line) as Record<string, string>;
    const override = join(folder, 'compose.override.json');
    await writeFile(override, JSON.stringify(overrideFor(given)));
    const files = `${join(ROOT, 'compose.yaml')}:${override}`;
    return new Engine(holder, { ...given, COMPOSE_FILE: files, COMPOSE_PROJECT_NAME: 'shunt-test' });
  }

  #inside(command: string): string[] {
    const settings = Object.entries(this.#environment).map(([name, value]) => `${name}=${value}`);
    return ['env', '-C', ROOT, ...settings, 'sh', '-c', command];
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

/** What compose.yaml does not say, because it is this machine's: a private engine has no network but the host's. */
function overrideFor(environment: Readonly<Record<string, string>>): object {
  const secrets = Object.entries(SECRETS).filter(([, file]) => existsSync(file));
  const build = {
    secrets: secrets.map(([name]) => name),
    ...(environment.SHUNT_ENGINE === 'private' && { network: 'host' }),
  };
  return {
    services: { controller: { build } },
    secrets: Object.fromEntries(secrets.map(([name, file]) => [name, { file }])),
  };
}
