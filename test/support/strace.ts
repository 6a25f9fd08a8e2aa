import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Running, until } from './process.ts';
import type { Testbed } from './testbed.ts';

/** A system call of a process's main thread, since somebody looks: the `nth` of its name. */
export interface Syscall {
  readonly name: string;
  readonly nth: number;
}

const ATTACH_MS = 60_000;
/** An event loop that has nothing to do for at least a tenth of a second. */
const ASLEEP = /^epoll_p?wait\(.*, \d{3,}, NULL, \d+\)\s+= /;

/** Looks at a process's main thread from the outside, and kills the process where it is told to. */
export class Strace {
  static #count = 0;
  readonly #running: Running;
  readonly #file: string;

  private constructor(running: Running, file: string) {
    this.#running = running;
    this.#file = file;
  }

  /** Attaches. At the entry of the system call `at` the process dies by SIGKILL, and the call is not made. */
  static async attach(bed: Testbed, pid: number | undefined, at?: Syscall): Promise<Strace> {
    Strace.#count += 1;
    const file = join(bed.folder, `strace-${Strace.#count}`);
    const kill = at === undefined ? [] : ['-e', `inject=${at.name}:signal=SIGKILL:when=${at.nth}`];
    const running = await bed.start('b', 'strace', ['strace', '-o', file, ...kill, '-p', `${pid}`]);
    await running.until('attached', ATTACH_MS, () => running.lines.some((line) => line.endsWith(' attached')));
    return new Strace(running, file);
  }

  /** The system calls so far, in order. */
  get syscalls(): readonly Syscall[] {
    const counts = new Map<string, number>();
    return this.#lines.flatMap((line): Syscall[] => {
      const [, name] = /^(\w+)\(/.exec(line) ?? [];
      if (name === undefined) return [];
      const nth = (counts.get(name) ?? 0) + 1;
      counts.set(name, nth);
      return [{ name, nth }];
    });
  }

  /** Waits until the process has slept after this moment, or has died. */
  async slept(withinMs: number): Promise<void> {
    const before = this.#lines.length;
    const sleeps = (line: string, at: number): boolean => at >= before - 1 && ASLEEP.test(line);
    const isOver = (line: string, at: number): boolean => sleeps(line, at) || line.startsWith('+++');
    await until('the process sleeps', withinMs, () => this.#lines.some(isOver));
  }

  /** Lets go of the process. */
  async end(): Promise<void> {
    await this.#running.stop('SIGINT');
  }

  get #lines(): readonly string[] {
    return readFileSync(this.#file, 'utf8').split('\n');
  }
}
