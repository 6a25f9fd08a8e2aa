import { Crash } from '../fakes/memory-kernel.ts';

/** Nobody waits for what a process that is dead had under way; from now on that ends nothing. */
export function letDie(): void {
  process.on('unhandledRejection', (reason) => {
    if (!(reason instanceof Crash)) throw reason;
  });
}

/**
 * One life of a process. What it calls, it calls through `guard`: after its end nothing answers it, and nothing that it
 * calls is done, as after a kill -9.
 */
export class Life {
  /** Ends with the life. */
  readonly #over = Promise.withResolvers<never>();
  #ended = false;
  /** How often it waits for something until it dies. */
  #waits = Number.POSITIVE_INFINITY;

  constructor() {
    this.#over.promise.catch(() => {}); // nobody need wait for it
  }

  get ended(): boolean {
    return this.#ended;
  }

  end(): void {
    this.#ended = true;
    this.#over.reject(new Crash());
  }

  /** It dies where it has waited so often from now on; infinity takes that back. */
  endAfter(waits: number): void {
    this.#waits = waits;
  }

  /** Rejects at the end of the life: for whoever works for this process and has to give up then. */
  orEnd<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#over.promise]);
  }

  /** The same port for this life only. */
  guard<T extends object>(port: T): T {
    const made = new Map<unknown, unknown>();
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        const guarded = made.get(value) ?? this.#call(target, value);
        made.set(value, guarded);
        return guarded;
      },
    });
  }

  #call(target: object, method: unknown): unknown {
    return (...args: unknown[]) => {
      if (this.#ended) throw new Crash();
      try {
        const answer: unknown = Reflect.apply(
          method as () => unknown,
          target,
          args.map((arg) => this.#heard(arg)),
        );
        return answer instanceof Promise ? this.#wait(answer) : answer;
      } catch (error) {
        if (error instanceof Crash) this.end();
        throw error;
      }
    };
  }

  /** Whom it has to call back it calls no more. */
  #heard(arg: unknown): unknown {
    if (typeof arg !== 'function') return arg;
    return (...args: unknown[]): unknown => (this.#ended ? undefined : Reflect.apply(arg, undefined, args));
  }

  /** Whoever is dead by then is answered nothing, for ever. */
  #wait(answer: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      answer.then(
        (value) => this.#outlives() && resolve(value),
        (error: unknown) => this.#outlives() && reject(error),
      );
    });
  }

  /** One thing that it waited for is over; answers whether it lives on. */
  #outlives(): boolean {
    this.#waits -= 1;
    if (this.#waits <= 0 && !this.#ended) this.end();
    return !this.#ended;
  }
}
