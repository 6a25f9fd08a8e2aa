import type { Intent } from '../../protocol/intent.ts';
import { type Drift, type PinName, pinOfKey } from './drift.ts';

/** So often has somebody else to change a thing again before that is a fight. */
const FIGHT_TIMES = 3;
/** Changes that are met closer together are one. */
const APART_MS = 500;
/** A fight is over when for so long nothing was found to be changed. */
const QUIET_MS = 120_000;
/** What was put right is looked at again so soon, then after twice as long, and so on up to the ordinary read-back. */
const FIRST_LOOK_MS = 1_000;
const LONGEST_LOOK_MS = 60_000;

/** How often somebody else changed a thing, and when. Epoch milliseconds. */
interface Bout {
  times: number;
  readonly sinceMs: number;
  lastMs: number;
}

/** A pinned map that somebody else changes again and again, since when (epoch milliseconds), and how often so far. */
export interface Fight {
  readonly pin: PinName;
  readonly sinceMs: number;
  readonly times: number;
}

/**
 * Remembers what somebody else changed, so that one who undoes each repair is told from one who did it once; and says
 * when to look again, so that a repair that was undone is found soon, and a fight costs ever less.
 */
export class Fights {
  readonly #pins = new Map<PinName, Bout>();
  readonly #keys = new Map<string, Bout>();
  #begun: Fight[] = [];
  #ended: Fight[] = [];
  #lookMs = Number.POSITIVE_INFINITY;
  #waitMs = FIRST_LOOK_MS;
  #clean = true;

  /** When everything is to be read back, epoch milliseconds; infinity: not before it is due anyhow. */
  get lookMs(): number {
    return this.#lookMs;
  }

  get list(): readonly Fight[] {
    return [...this.#pins].filter(([, bout]) => isFight(bout)).map(toFight);
  }

  /** Pins whose fight has begun, and whose fight is over, since this was last asked. */
  takeNews(): { readonly begun: readonly Fight[]; readonly ended: readonly Fight[] } {
    const news = { begun: this.#begun, ended: this.#ended };
    this.#begun = [];
    this.#ended = [];
    return news;
  }

  /** Takes what was found to be changed, and says of each whether that is known: a fight, or the same change still. */
  note(drifted: readonly Drift[], desired: ReadonlyMap<string, Intent>, nowMs: number): Drift[] {
    for (const pin of new Set(drifted.map((drift) => drift.pin))) this.#sightPin(pin, nowMs);
    if (drifted.length > 0) this.#lookSoon(nowMs);
    return drifted.map((drift) => (this.#isKnown(drift, desired, nowMs) ? { ...drift, known: true } : drift));
  }

  #isKnown({ pin, key }: Drift, desired: ReadonlyMap<string, Intent>, nowMs: number): boolean {
    if (key === undefined || !desired.has(key)) return isFight(this.#pins.get(pin));
    const before = this.#keys.get(key)?.times;
    const bout = sight(this.#keys, key, nowMs);
    return isFight(bout) || bout.times === before;
  }

  /** The kernel took an entry, and something else stood there when it was looked at. */
  noteUndone(key: string, nowMs: number): void {
    sight(this.#keys, key, nowMs);
    this.#sightPin(pinOfKey(key), nowMs);
  }

  /** What was removed stood there again when it was looked at, and is nobody's. */
  noteReturned(id: string, nowMs: number): void {
    this.#sightPin(pinOfKey(id), nowMs);
    this.#lookSoon(nowMs);
  }

  /** Entries, shapes and ports were looked at; `clean`: nothing was changed there, nor anything foreign. */
  looked(clean: boolean): void {
    this.#clean = clean;
  }

  /**
   * With that, and with our own words `clean` or not, everything was read back; answers the keys whose fight is over. A
   * look that came early says nothing of who waits.
   */
  readBack(wordsClean: boolean, nowMs: number): readonly string[] {
    const clean = this.#clean && wordsClean;
    if (nowMs >= this.#lookMs || this.#lookMs === Number.POSITIVE_INFINITY) {
      this.#waitMs = clean ? FIRST_LOOK_MS : Math.min(2 * this.#waitMs, LONGEST_LOOK_MS);
      this.#lookMs = clean ? Number.POSITIVE_INFINITY : nowMs + this.#waitMs;
    }
    this.#ended.push(...takeQuiet(this.#pins, nowMs).map(toFight));
    return takeQuiet(this.#keys, nowMs).map(([key]) => key);
  }

  fought(key: string): boolean {
    return isFight(this.#keys.get(key));
  }

  /** Whether a key was put right just now, or is fought over: it is looked at when everything is. */
  holds(key: string, nowMs: number): boolean {
    const bout = this.#keys.get(key);
    return bout !== undefined && (isFight(bout) || nowMs - bout.lastMs < FIRST_LOOK_MS);
  }

  /** Nobody desires the key any more. */
  forget(key: string): void {
    this.#keys.delete(key);
  }

  #lookSoon(nowMs: number): void {
    if (this.#lookMs === Number.POSITIVE_INFINITY) this.#lookMs = nowMs + this.#waitMs;
  }

  #sightPin(pin: PinName, nowMs: number): void {
    const before = isFight(this.#pins.get(pin));
    const bout = sight(this.#pins, pin, nowMs);
    if (!before && isFight(bout)) this.#begun.push(toFight([pin, bout]));
  }
}

function isFight(bout: Bout | undefined): boolean {
  return bout !== undefined && bout.times >= FIGHT_TIMES;
}

function toFight([pin, { sinceMs, times }]: readonly [PinName, Bout]): Fight {
  return { pin, sinceMs, times };
}

function sight<Id>(bouts: Map<Id, Bout>, id: Id, nowMs: number): Bout {
  const bout = bouts.get(id) ?? { times: 0, sinceMs: nowMs, lastMs: Number.NEGATIVE_INFINITY };
  bouts.set(id, bout);
  if (Math.abs(nowMs - bout.lastMs) < APART_MS) return bout;
  bout.times += 1;
  bout.lastMs = nowMs;
  return bout;
}

/** Forgets what was quiet for long enough, and answers what of it was a fight. The time may have been set back. */
function takeQuiet<Id>(bouts: Map<Id, Bout>, nowMs: number): (readonly [Id, Bout])[] {
  const quiet = [...bouts].filter(([, { lastMs }]) => Math.abs(nowMs - lastMs) >= QUIET_MS);
  for (const [id] of quiet) bouts.delete(id);
  return quiet.filter(([, bout]) => isFight(bout));
}
