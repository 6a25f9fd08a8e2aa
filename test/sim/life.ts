import { Crash } from '../fakes/memory-kernel.ts';

/** Where a dead process stood is of no interest, and would be costly to tell each time. */
const DEAD = new Crash();

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
    this.#over.reject(DEAD);
  }

  /** It dies where it has waited so often from now on; infinity takes that back. */
  endAfter(waits: number): void {
    this.#waits = waits;
  }

  get waitsLeft(): number {
    return this.#waits;
  }

  /** Rejects at the end of the life: for whoever works for this process and has to give up then. */
  orEnd<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#over.promise]);
  }

  /** The same port for this life only: what it has when it is guarded, and that as it is when it is asked for. */
  guard<T extends object>(port: T): T {
    const guarded = {};
    for (const name of namesOf(port)) Object.defineProperty(guarded, name, this.#member(port as Members, name));
    return guarded as T;
  }

  #member(port: Members, name: string | symbol): PropertyDescriptor {
    if (typeof port[name] === 'function') return { value: this.#method(port, name) };
    return {
      get: () => port[name],
      set: (value: unknown) => {
        port[name] = value;
      },
    };
  }

  #method(port: Members, name: string | symbol): (...args: unknown[]) => unknown {
    return (...args) => {
      if (this.#ended) throw DEAD;
      for (let at = 0; at < args.length; at += 1) args[at] = this.#heard(args[at]);
      try {
        const answer: unknown = Reflect.apply(port[name] as () => unknown, port, args);
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
    return (...args: unknown[]): unknown =>
      this.#ended ? undefined : Reflect.apply(arg as () => unknown, undefined, args);
  }

  /** Whoever is dead by then is answered nothing, for ever. */
  #wait(answer: Promise<unknown>): Promise<unknown> {
    return answer.then(
      (value) => (this.#outlives() ? value : nothing()),
      (error: unknown) => {
        if (this.#outlives()) throw error;
        return nothing();
      },
    );
  }

  /** One thing that it waited for is over; answers whether it lives on. */
  #outlives(): boolean {
    this.#waits -= 1;
    if (this.#waits <= 0 && !this.#ended) this.end();
    return !this.#ended;
  }
}

type Members = Record<string | symbol, unknown>;

/** Names of all that a port has, of its own and by its classes. */
function namesOf(port: object): ReadonlySet<string | symbol> {
  const made: object = Object.getPrototypeOf(port);
  return new Set([...Reflect.ownKeys(port), ...classNames(made)]);
}

/** By prototype. */
const named = new WeakMap<object, readonly (string | symbol)[]>();

function classNames(made: object): readonly (string | symbol)[] {
  if (made === Object.prototype) return [];
  const known = named.get(made);
  if (known !== undefined) return known;
  const own = Reflect.ownKeys(made).filter((name) => name !== 'constructor');
  const names = [...own, ...classNames(Object.getPrototypeOf(made))];
  named.set(made, names);
  return names;
}

/** What never comes. */
function nothing(): Promise<never> {
  return new Promise(() => {});
}
