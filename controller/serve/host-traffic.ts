import { UNPROVEN } from '../../protocol/codes.ts';
import type { Rates } from '../../protocol/rates.ts';
import { isSilentFor, type Status } from '../../protocol/status.ts';
import { type Evidence, isNewer, remember } from '../model/evidence.ts';
import type { Stand } from '../model/live.ts';
import type { NameTable } from './name-table.ts';

/** So long rates are kept. */
const KEPT_MS = 300_000;
/** A host tells some every 10 s at most: of one that tells more, the last ones are kept. */
const MAX_SAMPLES = 64;
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

/** What packets did on the host as a whole within the last span. */
type Whole = Pick<Rates, 'spanMs' | 'verdicts' | 'lost'>;

/** What is remembered of one host: its rates of some minutes, and of the last status what is wrong with redirects. */
export class HostTraffic {
  readonly #names: NameTable;
  #samples: Sample[] = [];
  #stands: ReadonlyMap<number, Stand> = new Map();
  #level: Stand | undefined;
  #evidence: Evidence | undefined;
  #heardMs = 0;
  #last: Whole | undefined;

  constructor(names: NameTable) {
    this.#names = names;
  }

  /** Every redirect that it told of, by the number of its name, each once: hosts are many, and are asked seldom. */
  get ids(): readonly number[] {
    return this.#names.distinct([...this.#samples.map(({ ids }) => ids), [...this.#stands.keys()]]);
  }

  /** What is wrong with redirects, as it said last, by number. */
  get stands(): ReadonlyMap<number, Stand> {
    return this.#stands;
  }

  /** How everything on it stands; undefined where that differs. */
  levelAt(nowMs: number): Stand | undefined {
    return this.#level?.state !== 'ended' && isSilentFor(nowMs - this.#heardMs) ? SILENT : this.#level;
  }

  /** What packets did on it as a whole; undefined while its rates are not known. */
  lastAt(nowMs: number): Whole | undefined {
    return this.sampleAt(nowMs) === undefined ? undefined : this.#last;
  }

  /** Takes a status unless it is no news. `nowMs` is epoch time. */
  take(status: Status, nowMs: number, monotonicMs: number): void {
    if (this.#evidence !== undefined && !isNewer(this.#evidence, status, nowMs)) return;
    this.#evidence = remember(this.#evidence, status, nowMs);
    this.#heardMs = monotonicMs;
    this.#note(status);
    if (status.rates === undefined) return;
    const { spanMs, verdicts, lost } = status.rates;
    this.#last = { spanMs, verdicts, lost };
    this.#samples.push(this.#sampleOf(status.rates, monotonicMs, tellsAll(status)));
    this.#forget(this.#samples.length - MAX_SAMPLES);
  }

  /** Forgets what is too old to be told; answers whether anything is left. */
  prune(nowMs: number): boolean {
    const kept = this.#samples.findIndex(({ endMs }) => nowMs - endMs <= KEPT_MS);
    this.#forget(kept === -1 ? this.#samples.length : kept);
    if (this.#samples.length > 0 || nowMs - this.#heardMs <= KEPT_MS) return true;
    for (const id of this.#stands.keys()) this.#names.release(id);
    this.#stands = new Map();
    return false;
  }

  /** The rates at a time as far as they are known: those of the span that it lies in, or of the last one before, for a while. */
  sampleAt(atMs: number): Sample | undefined {
    const found = this.#samples.findLast(({ startMs }) => startMs < atMs);
    return found !== undefined && atMs - found.endMs <= FRESH_MS ? found : undefined;
  }

  /** Forgets the first so many rates. */
  #forget(count: number): void {
    for (const { ids } of this.#samples.splice(0, Math.max(0, count))) for (const id of ids) this.#names.release(id);
  }

  #note({ exceptions, undelivered, passed, bypass, ended }: Status): void {
    const stands = new Map<number, Stand>();
    const note = (name: string, stand: Stand): void => {
      const id = this.#names.hold(name);
      if (stands.has(id)) this.#names.release(id);
      stands.set(id, stand);
    };
    for (const { name } of passed ?? []) note(name, PASSED);
    for (const { redirects } of undelivered ?? []) for (const name of redirects) note(name, UNDELIVERED);
    for (const { name, state, code } of exceptions) note(name, { state, code });
    for (const id of this.#stands.keys()) this.#names.release(id);
    this.#stands = stands;
    this.#level = ended ? ENDED : bypass ? BYPASS : undefined;
  }

  #sampleOf({ busiest, spanMs }: Rates, endMs: number, complete: boolean): Sample {
    const count = busiest.length;
    const room = new ArrayBuffer(count * 16); // one for both: there are as many as statuses of five minutes
    const [ids, rates] = [new Uint32Array(room, 0, count), new Float32Array(room, count * 4)];
    const perSecond = 1000 / spanMs;
    let at = 0; // a list for each redirect of each status would be most of the work
    for (const { name, packets, bytes, passed = 0 } of busiest) {
      ids[at] = this.#names.hold(name);
      rates[at * 3] = packets * perSecond;
      rates[at * 3 + 1] = bytes * perSecond;
      rates[at * 3 + 2] = passed * perSecond;
      at += 1;
    }
    return { startMs: endMs - spanMs, endMs, ids, rates, complete };
  }
}

/** Whether a redirect that it does not list had no packet: not where it has no set by which to name what stands. */
function tellsAll({ rates, problems = [] }: Status): boolean {
  return rates?.others === undefined && !problems.some(({ code }) => UNPROVEN.includes(code));
}

const ENDED: Stand = Object.freeze({ state: 'ended' });
const SILENT: Stand = Object.freeze({ state: 'silent' });
const BYPASS: Stand = Object.freeze({ state: 'bypass' });
const PASSED: Stand = Object.freeze({ state: 'passed', code: 'HITS_PASSED' });
const UNDELIVERED: Stand = Object.freeze({ state: 'undelivered', code: 'UNDELIVERED' });
