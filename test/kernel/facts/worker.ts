import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

interface Job {
  readonly work: string;
  readonly task: unknown;
  readonly flags: SharedArrayBuffer;
}

/** What a piece of work is handed: its task, whether it should stop, and where it counts its turns. */
export interface Turn<Task> {
  readonly task: Task;
  stopped(): boolean;
  /** Says that the work has begun, and how far it is. */
  count(turns: number): void;
}
export type Work = Readonly<Record<string, (turn: Turn<never>) => void>>;

/** A thread begins within it on any machine that does not stand still. */
const BEGIN_MS = 60_000;

/** A thread that works without a pause until it is stopped. */
export class Busy<Task> implements AsyncDisposable {
  readonly #flags = new SharedArrayBuffer(8);
  readonly #state = new Int32Array(this.#flags);
  readonly #ended: Promise<unknown>;
  #failure: unknown;

  private constructor(module: string, work: string, task: Task) {
    const job: Job = { work, task, flags: this.#flags };
    const worker = new Worker(new URL(module), { workerData: job });
    worker.once('error', (error) => {
      this.#failure = error;
    });
    this.#ended = once(worker, 'exit');
  }

  /** Starts `work`, one of the module's `workHere`, and waits for its first turn. */
  static async start<Task>(module: string, work: string, task: Task): Promise<Busy<Task>> {
    const busy = new Busy(module, work, task);
    const deadline = performance.now() + BEGIN_MS;
    while (busy.turns === 0 && busy.#failure === undefined && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 1));
    if (busy.turns === 0) throw new Error(`${work} does not begin`, { cause: busy.#failure });
    return busy;
  }

  get turns(): number {
    return Atomics.load(this.#state, 1);
  }

  async stop(): Promise<number> {
    Atomics.store(this.#state, 0, 1);
    await this.#ended;
    if (this.#failure !== undefined) throw this.#failure;
    return this.turns;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** In a worker: does the work that `Busy.start` named. Answers whether this is a worker. */
export function workHere(works: Work): boolean {
  if (isMainThread) return false;
  const { work, task, flags } = workerData as Job;
  const state = new Int32Array(flags);
  const turn = {
    task: task as never,
    stopped: () => Atomics.load(state, 0) !== 0,
    count: (turns: number) => {
      Atomics.store(state, 1, turns);
    },
  };
  works[work]?.(turn);
  return true;
}
