import type { Log } from '../../daemon/log.ts';
import type { NetLink } from '../../native/index.ts';
import { KernelError } from '../model/kernel-error.ts';
import type { ChosenReport } from './attach-chosen.ts';
import { AttachError } from './attach-error.ts';
import { exactOf, type Wanted } from './chosen.ts';
import { Comings, type Kind, type Line } from './comings.ts';
import { type Follower, PinsGone } from './follower.ts';
import { Retries } from './retries.ts';
import { type Steps, stepsTo } from './steps.ts';

/**
 * What a pattern means for the first time is left so long to whoever made it: to rename it, or to make it the port of a
 * bridge.
 */
const SETTLE_MS = 300;
/** Names that had the program, and have it again at once. */
const REMEMBERED = 64;
const LOOKING = 'look';

type Port = Pick<Follower, 'look' | 'letGo' | 'rename' | 'forget' | 'attach'>;

/** One look at a time: does what is to be done, and tells what became of it. */
export class Following {
  readonly #follower: Port;
  readonly #wanted: Wanted;
  readonly #exact: readonly string[];
  readonly #comings: Comings;
  readonly #retries = new Retries();
  /** What has the program, as far as the last look knows. */
  #attached: ReadonlySet<string>;
  /** What had it of late. */
  readonly #known: Set<string>;
  /** Since when what patterns mean is there, by ifindex. */
  readonly #since = new Map<number, number>();
  /** What was said of those that do not have the program. */
  #without: ReadonlyMap<string, string>;

  constructor(follower: Port, wanted: Wanted, log: Pick<Log, 'info' | 'warn'>, { interfaces, skipped }: ChosenReport) {
    this.#follower = follower;
    this.#wanted = wanted;
    this.#exact = exactOf(wanted);
    this.#comings = new Comings(log);
    this.#attached = new Set(interfaces.map(({ name }) => name));
    this.#known = new Set(this.#attached);
    this.#without = new Map(skipped.map(({ name, why }) => [name, why]));
  }

  /** When to look even if nothing is heard; undefined for never. */
  get dueMs(): number | undefined {
    const settled = [...this.#since.values()].map((sinceMs) => sinceMs + SETTLE_MS);
    const all = [this.#retries.dueMs, this.#comings.dueMs, ...settled].filter((dueMs) => dueMs !== undefined);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  /** Errors: AttachError when the pins are gone; what else fails is told, and tried again. */
  look(nowMs: number): void {
    this.#comings.sum(nowMs);
    if (!this.#retries.isDue(LOOKING, nowMs)) return;
    try {
      this.#look(nowMs);
      this.#retries.succeed(LOOKING);
    } catch (error) {
      if (error instanceof PinsGone || !isExpected(error)) throw error;
      if (this.#retries.fail(LOOKING, error.message, nowMs))
        this.#tell(nowMs, 'other', 'warn', { interface: '*', why: error.message }, 'cannot look; tries again');
    }
  }

  #look(nowMs: number): void {
    const standing = this.#follower.look();
    const steps = stepsTo(this.#wanted, standing);
    for (const name of steps.letGo) this.#follower.letGo(name);
    this.#follower.rename(steps.rename, standing.links);
    const forgotten = this.#follower.forget(steps.forget, standing.links);
    this.#tellMoved(nowMs, steps, forgotten, standing.links);
    this.#tellWithout(nowMs, steps);
    const due = this.#settled(nowMs, steps, standing.links);
    this.#retries.keepOnly([...steps.attach, LOOKING]);
    const added = due.filter((name) => this.#attach(name, nowMs));
    this.#attached = new Set([...steps.attached, ...added]);
    for (const name of this.#attached) this.#remember(name);
  }

  /** Answers whether it has the program now. */
  #attach(name: string, nowMs: number): boolean {
    if (!this.#retries.isDue(name, nowMs)) return false;
    try {
      const attached = this.#follower.attach(name);
      this.#retries.succeed(name);
      if (attached === undefined) return false;
      const { mode, why, tags } = attached;
      const hidden = tags.state === 'seen' ? {} : { tags: `${tags.why}: ${tags.mend ?? 'accepted'}` };
      this.#tell(nowMs, 'came', 'info', { interface: name, mode, why, ...hidden }, 'attached');
      return true;
    } catch (error) {
      if (!isExpected(error)) throw error;
      if (this.#retries.fail(name, error.message, nowMs))
        this.#tell(nowMs, 'other', 'warn', { interface: name, why: error.message }, 'not attached; tries again');
      return false;
    }
  }

  #tellMoved(
    nowMs: number,
    { letGo, rename, attached }: Steps,
    forgotten: readonly string[],
    links: readonly NetLink[],
  ): void {
    const renamed = renamings(rename);
    for (const [from, to] of renamed)
      this.#tell(nowMs, 'other', 'info', { interface: to, was: from }, 'renamed; the program stays on it');
    const now = [...this.#attached].map((name) => renamed.get(name) ?? name);
    for (const name of now.filter((it) => !attached.includes(it))) {
      const waits = this.#exact.includes(name) || !forgotten.includes(name);
      const facts = { interface: name, zone: waits ? 'kept' : 'free' };
      const level = this.#exact.includes(name) ? 'warn' : 'info';
      this.#tell(nowMs, 'went', level, facts, howLost(name, letGo, links));
    }
  }

  /** Once each, until the reason is another. */
  #tellWithout(nowMs: number, { skipped, excess }: Steps): void {
    const full = excess.map((name) => ({ name, why: 'fifteen interfaces have the program, or are to have it first' }));
    const now = new Map([...skipped, ...full].map(({ name, why }) => [name, why]));
    for (const [name, why] of now)
      if (this.#without.get(name) !== why)
        this.#tell(nowMs, 'other', excess.includes(name) ? 'warn' : 'info', { interface: name, why }, 'left alone');
    this.#without = now;
  }

  /** Those that need not wait any more. */
  #settled(nowMs: number, { attach }: Steps, links: readonly NetLink[]): readonly string[] {
    const isKnown = (name: string): boolean => this.#exact.includes(name) || this.#known.has(name);
    const fresh = links.filter(({ name }) => attach.includes(name) && !isKnown(name)).map(({ ifindex }) => ifindex);
    for (const ifindex of this.#since.keys()) if (!fresh.includes(ifindex)) this.#since.delete(ifindex);
    for (const ifindex of fresh) if (!this.#since.has(ifindex)) this.#since.set(ifindex, nowMs);
    const isRipe = (ifindex: number): boolean => nowMs >= (this.#since.get(ifindex) ?? nowMs) + SETTLE_MS;
    const ripe = links.filter(({ ifindex }) => fresh.includes(ifindex) && isRipe(ifindex));
    for (const { ifindex } of ripe) this.#since.delete(ifindex);
    return attach.filter((name) => isKnown(name) || ripe.some((link) => link.name === name));
  }

  #remember(name: string): void {
    this.#known.delete(name);
    this.#known.add(name);
    const [oldest] = this.#known;
    if (this.#known.size > REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
  }

  #tell(nowMs: number, kind: Kind, level: Line['level'], facts: Line['facts'], message: string): void {
    this.#comings.tell(nowMs, { kind, level, facts, message });
  }
}

/** From which name to which in the end, also where one stepped aside in between. */
function renamings(rename: Steps['rename']): ReadonlyMap<string, string> {
  const ends = new Map<string, string>();
  for (const { from, to } of rename) {
    const first = [...ends].find(([, now]) => now === from)?.[0] ?? from;
    ends.set(first, to);
  }
  return ends;
}

function howLost(name: string, letGo: readonly string[], links: readonly NetLink[]): string {
  if (letGo.includes(name)) return 'moved to another network namespace; the program was taken off it';
  return links.some((link) => link.name === name) ? 'made anew, or its program was taken off' : 'gone';
}

function isExpected(error: unknown): error is Error {
  return error instanceof AttachError || error instanceof KernelError;
}
