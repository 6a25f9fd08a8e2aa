import type { Log } from '../../daemon/log.ts';

const MINUTE_MS = 60_000;
/** So many lines within a minute are told one by one. */
const TOLD_MOST = 60;

/** What a line is about: an interface got the program, or lost it; or something else of it. */
export type Kind = 'came' | 'went' | 'other';

/** What a line says. */
export interface Line {
  readonly kind: Kind;
  readonly level: 'info' | 'warn';
  readonly facts: { readonly interface: string; readonly [more: string]: string };
  readonly message: string;
}

/**
 * Tells what becomes of interfaces, one by one as long as that is little: of what comes and goes without end a line a minute,
 * which has the sums, until a minute was calm.
 */
export class Comings {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  #sinceMs = 0;
  #lines = 0;
  #summed = false;
  /** Of those that were not told one by one. */
  readonly #untold = { came: 0, went: 0, other: 0 };
  readonly #names = new Set<string>();

  constructor(log: Pick<Log, 'info' | 'warn'>) {
    this.#log = log;
  }

  tell(nowMs: number, { kind, level, facts, message }: Line): void {
    this.sum(nowMs);
    if (this.#lines === 0) this.#sinceMs = nowMs;
    this.#lines += 1;
    if (this.#lines > TOLD_MOST) this.#summed = true;
    if (!this.#summed) {
      this.#log[level](facts, message);
      return;
    }
    this.#untold[kind] += 1;
    this.#names.add(facts.interface);
  }

  /** When sums are to be told; undefined where there are none. */
  get dueMs(): number | undefined {
    return this.#names.size === 0 ? undefined : this.#sinceMs + MINUTE_MS;
  }

  /** Tells the sums of a minute that is over. */
  sum(nowMs: number): void {
    if (nowMs < this.#sinceMs + MINUTE_MS) return;
    if (this.#names.size > 0) {
      const facts = { interfaces: this.#names.size, names: patternOf([...this.#names]), ...this.#untold };
      this.#log.warn({ ...facts, seconds: Math.round((nowMs - this.#sinceMs) / 1000) }, 'interfaces come and go');
    }
    this.#summed = this.#lines > TOLD_MOST;
    this.#lines = 0;
    this.#sinceMs = nowMs;
    this.#names.clear();
    for (const kind of ['came', 'went', 'other'] as const) this.#untold[kind] = 0;
  }
}

/** What these names have in common: `veth*` of veth0 and veth17; one name is itself. */
export function patternOf([first = '', ...others]: readonly string[]): string {
  if (others.length === 0) return first;
  let length = first.length;
  for (const name of others) while (!name.startsWith(first.slice(0, length))) length -= 1;
  return `${first.slice(0, length)}*`;
}
