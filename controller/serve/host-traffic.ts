import type { Rates } from '../../protocol/rates.ts';
import type { Status } from '../../protocol/status.ts';
import { type Evidence, isNewer, remember } from '../model/evidence.ts';
import type { NameTable } from './name-table.ts';

/** So long rates are kept. */
const KEPT_MS = 300_000;
/** A host tells one every 10 to 28 s; so long the last one counts, while it is not known that it is another by now. */
export const FRESH_MS = 45_000;

/** How fast packets met the redirects of a host within one span. Times are monotonic, of the controller. */
export interface Sample {
  readonly startMs: number;
  readonly endMs: number;
  /** By the number of their names. */
  readonly ids: Uint32Array;
  /** For each of them packets, bytes and passed packets a second. */
  readonly rates: Float32Array;
  /** Who is not listed had no packet. */
  readonly complete: boolean;
}

/** What a status says of redirects that are not as they should be. */
type Said = Pick<Status, 'exceptions' | 'undelivered' | 'passed' | 'ended' | 'bypass'>;

/** What is remembered of one host: its rates of some minutes, and of the last status what is wrong with redirects. */
export class HostTraffic {
  readonly #names: NameTable;
  #samples: Sample[] = [];
  #evidence: Evidence | undefined;
  #heardMs = 0;
  #last: Pick<Rates, 'spanMs' | 'verdicts' | 'lost'> | undefined;
  #said: Said | undefined;

  constructor(names: NameTable) {
    this.#names = names;
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  get said(): Said | undefined {
    return this.#said;
  }

  get heardMs(): number {
    return this.#heardMs;
  }

  /** What packets did on the host as a whole; undefined while its rates are not known. */
  lastAt(atMs: number): Pick<Rates, 'spanMs' | 'verdicts' | 'lost'> | undefined {
    return this.sampleAt(atMs) === this.#samples.at(-1) && this.#samples.length > 0 ? this.#last : undefined;
  }

  /** Takes a status unless it is no news. `nowMs` is epoch time. */
  take(status: Status, nowMs: number, monotonicMs: number): void {
    if (this.#evidence !== undefined && !isNewer(this.#evidence, status, nowMs)) return;
    this.#evidence = remember(this.#evidence, status, nowMs);
    this.#heardMs = monotonicMs;
    const { exceptions, undelivered, passed, ended, bypass, rates } = status;
    this.#said = {
      exceptions,
      ...(undelivered !== undefined && { undelivered }),
      ...(passed !== undefined && { passed }),
      ...(ended !== undefined && { ended }),
      ...(bypass !== undefined && { bypass }),
    };
    if (rates === undefined) return;
    const { spanMs, verdicts, lost } = rates;
    this.#last = { spanMs, verdicts, lost };
    this.#samples.push(this.#sampleOf(rates, monotonicMs));
  }

  /** Forgets what is too old to be told; answers whether anything is left. */
  prune(monotonicMs: number): boolean {
    const old = this.#samples.findIndex(({ endMs }) => monotonicMs - endMs <= KEPT_MS);
    const gone = this.#samples.splice(0, old === -1 ? this.#samples.length : old);
    for (const { ids } of gone) for (const id of ids) this.#names.release(id);
    return this.#samples.length > 0 || monotonicMs - this.#heardMs <= KEPT_MS;
  }

  /** The rates at a time as far as they are known: those of the span that it lies in, or of the last one before, for a while. */
  sampleAt(atMs: number): Sample | undefined {
    const found = this.#samples.findLast(({ startMs }) => startMs < atMs);
    return found !== undefined && atMs - found.endMs <= FRESH_MS ? found : undefined;
  }

  #sampleOf({ busiest, spanMs, others }: Rates, endMs: number): Sample {
    const rates = new Float32Array(busiest.length * 3);
    const a = 1000 / spanMs;
    for (const [at, { packets, bytes, passed = 0 }] of busiest.entries())
      rates.set([packets * a, bytes * a, passed * a], at * 3);
    const ids = Uint32Array.from(busiest, ({ name }) => this.#names.hold(name));
    return { startMs: endMs - spanMs, endMs, ids, rates, complete: others === undefined };
  }
}
