import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Pace } from '../../controller/rollout/pace.ts';
import { must } from './process.ts';

const SCRIPT = new URL('quick-controller.ts', import.meta.url).pathname;

/** A system call of the controller's main thread: the nth of its name since it served. */
export interface Point {
  readonly name: string;
  readonly nth: number;
}

/** A controller in a process of its own, which dies at a system call if it is told to, and then starts again. */
export class KilledController implements AsyncDisposable {
  readonly #argv: readonly string[];
  #child: ChildProcess | undefined;
  #serving: Promise<void> = Promise.resolve();
  #over = false;
  /** How often it died. */
  deaths = 0;

  private constructor(url: string, db: string, pace: Pace) {
    this.#argv = [SCRIPT, url, db, JSON.stringify(pace)];
  }

  static async start(url: string, db: string, pace: Pace): Promise<KilledController> {
    const controller = new KilledController(url, db, pace);
    await controller.#begin();
    return controller;
  }

  /** From now on: dies at the entry of this system call, which is not made. */
  async killAt({ name, nth }: Point): Promise<void> {
    await this.#trace(['-e', `inject=${name}:signal=SIGKILL:when=${nth}`, '-o', '/dev/null']);
  }

  /** Counts the system calls of these names in a file, one a line, until the controller ends. */
  async watch(names: readonly string[], file: string): Promise<void> {
    await this.#trace(['-e', `trace=${names.join(',')}`, '-o', file]);
  }

  /** Kills it, and waits until it serves again. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) throw new Error('there is no controller to kill');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await this.#serving;
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async #begin(): Promise<void> {
    const child = spawn(process.execPath, this.#argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    child.once('exit', () => {
      this.#serving = this.#again();
    });
    const lines = createInterface({ input: child.stdout });
    await once(lines, 'line');
  }

  async #again(): Promise<void> {
    if (this.#over) return;
    this.deaths += 1;
    await this.#begin();
  }

  async #trace(words: readonly string[]): Promise<void> {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('there is no controller to trace');
    const strace = spawn('strace', [...words, '-p', `${pid}`], { stdio: ['ignore', 'ignore', 'pipe'] });
    await once(createInterface({ input: strace.stderr }), 'line');
    await must(['grep', '-q', `TracerPid:\t${strace.pid}`, `/proc/${pid}/status`]);
  }
}
