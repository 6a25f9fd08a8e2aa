import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** What a command that ended left: its exit status (128 + the number of the signal that ended it) and its words. */
export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SIGNALS: Readonly<Record<string, number>> = constants.signals;
const STOP_MS = 60_000;

function statusOf(code: number | null, signal: string | null): number {
  return code ?? 128 + (SIGNALS[signal ?? ''] ?? 0);
}

/** How a process ended, as a sentence goes on. */
export function endText(status: number): string {
  const signal = Object.keys(SIGNALS).find((name) => SIGNALS[name] === status - 128);
  return signal === undefined ? `ended with ${status}` : `was killed (${signal})`;
}

/** Runs a command to its end, whatever that is. `input` goes to its standard input. */
export async function run(argv: readonly string[], input = '', cwd = process.cwd()): Promise<Ended> {
  const [command = '', ...rest] = argv;
  const child = spawn(command, rest, { stdio: 'pipe', detached: true, cwd });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  child.stdin.on('error', () => {}); // It need not read its input.
  child.stdin.end(input);
  const [code, signal] = await once(child, 'close');
  return { status: statusOf(code, signal), stdout, stderr };
}

/** Runs a command that has to succeed and answers its standard output; throws what it said otherwise. */
export async function must(argv: readonly string[], input = ''): Promise<string> {
  const { status, stdout, stderr } = await run(argv, input);
  if (status === 0) return stdout;
  throw new Error(`${argv.join(' ')} ${endText(status)}: ${(stderr || stdout).trim()}`);
}

/**
 * Waits until `look` answers something other than undefined or false, and answers that; throws after `withinMs`, saying
 * what it waited for and the last thing it saw.
 */
export async function until<T>(
  what: string,
  withinMs: number,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  everyMs = 20,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await delay(everyMs);
  }
}

/**
 * A process that runs until it is stopped; its lines are kept. In a session of its own, so that a Ctrl-C at the terminal
 * reaches only us, and we decide in which order things stop.
 */
export class Running implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #ended: Promise<number>;
  readonly lines: string[] = [];
  status: number | undefined;

  private constructor(name: string, argv: readonly string[], onLine: (line: string) => void) {
    const [command = '', ...rest] = argv;
    this.#name = name;
    this.#child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.#child.stdin?.on('error', () => {}); // It may be gone already.
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (!stream) continue;
      createInterface(stream).on('line', (line) => {
        this.lines.push(line);
        if (stream === this.#child.stdout) onLine(line);
      });
    }
    this.#ended = new Promise((resolve) => {
      const end = (status: number) => {
        this.status = status;
        resolve(status);
      };
      this.#child.once('error', () => end(127));
      this.#child.once('close', (code, signal) => end(statusOf(code, signal)));
    });
  }

  static async start(
    name: string,
    argv: readonly string[],
    onLine: (line: string) => void = () => {},
  ): Promise<Running> {
    const running = new Running(name, argv, onLine);
    await Promise.race([once(running.#child, 'spawn'), running.#ended]);
    if (running.status !== undefined && running.pid === undefined) throw new Error(`${name}: cannot run ${argv[0]}`);
    return running;
  }

  /** Its exit status, when it has ended. */
  get ended(): Promise<number> {
    return this.#ended;
  }

  /** Of the program itself: what we start it through replaces itself by it. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  write(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Waits for the condition, and gives up at once when the process ends. */
  async until<T>(what: string, withinMs: number, look: () => T | undefined | false | Promise<T | undefined | false>) {
    return await until(`${this.#name}: ${what}`, withinMs, () => {
      if (this.status === undefined) return look();
      throw new Error(
        `${this.#name} ${endText(this.status)} while waiting for: ${what}\n${this.lines.slice(-5).join('\n')}`,
      );
    });
  }

  /** Sends a signal that does not end it, such as SIGSTOP. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends the signal and waits for the end; what does not stop within STOP_MS is killed. Answers its exit status. */
  async stop(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' = 'SIGTERM'): Promise<number> {
    if (this.status === undefined) this.#child.kill(signal);
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    const status = await this.#ended;
    clearTimeout(killer);
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
