import test from 'ava';
import { type Cursor, NO_CURSOR } from '../../protocol/cursor.ts';
import { keyOf } from '../../protocol/key.ts';
import type { Match } from '../../protocol/match.ts';
import type { Page, SyncRequest } from '../../protocol/page.ts';
import type { Update } from '../../protocol/update.ts';
import { MemoryController } from '../fakes/memory-controller.ts';
import { AMPLE_BYTES, apply, Folder, openStore, report, type Store, spec } from '../unit/controller/fleet.ts';
import { randomBelow } from './sequences.ts';

/** Steps, and what they start from: CONFORMANCE_RUNS=100000 is for a change of the controller's log. */
const RUNS = Number(process.env.CONFORMANCE_RUNS ?? 2000);
const SEED = Number(process.env.CONFORMANCE_SEED ?? 1);
const HOST = 'edge-1';
const DAY_MS = 86_400_000;
const STEPS = 100;

type To = 'drop' | 'pass';

/** A log of one host under test, written change by change, and asked as a host asks. */
interface Log extends AsyncDisposable {
  put(n: number, to: To): Promise<void>;
  delete(n: number): Promise<void>;
  /** The controller starts again. */
  restart(): Promise<void>;
  /** Two days pass, and what may be forgotten by then is. */
  trim(): Promise<void>;
  page(request: SyncRequest): Promise<Page>;
  update(prev: number): Promise<Update | undefined>;
}

class Fake implements Log {
  #nowMs = 0;
  readonly #controller = new MemoryController(HOST, { nowMs: () => this.#nowMs });

  async put(n: number, to: To): Promise<void> {
    const match: Match = { src: '0.0.0.0/0', dst: `10.0.0.${n}/32`, proto: 'udp', dport: 443 };
    this.#controller.write([(rev) => ({ op: 'put', rev, key: keyOf(match), name: `r${n}`, match, to })]);
  }

  async delete(n: number): Promise<void> {
    this.#controller.write([(rev) => ({ op: 'delete', rev, key: `v4 udp 0.0.0.0/0:* > 10.0.0.${n}/32:443` })]);
  }

  async restart(): Promise<void> {
    this.#controller.restart();
  }

  async trim(): Promise<void> {
    this.#nowMs += 2 * DAY_MS;
    this.#controller.trim();
  }

  async page(request: SyncRequest): Promise<Page> {
    return this.#controller.page(request);
  }

  async update(prev: number): Promise<Update | undefined> {
    return prev < this.#controller.head.rev ? this.#controller.update(prev) : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class Real implements Log {
  readonly #folder = new Folder();
  #opened: Store | undefined;
  #nowMs = 0;

  async put(n: number, to: To): Promise<void> {
    await apply(await this.#store(), spec(`r${n}`, n, { to }));
  }

  async delete(n: number): Promise<void> {
    await (await this.#store()).desk.delete([`r${n}`]);
  }

  async restart(): Promise<void> {
    await this.#opened?.[Symbol.asyncDispose]();
    this.#opened = undefined;
  }

  async trim(): Promise<void> {
    this.#nowMs += 2 * DAY_MS;
    await (await this.#store()).roster.tidy();
  }

  async page(request: SyncRequest): Promise<Page> {
    return (await this.#store()).logs.page(request, AMPLE_BYTES);
  }

  async update(prev: number): Promise<Update | undefined> {
    return (await this.#store()).logs.update(HOST, prev, AMPLE_BYTES);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.restart();
    this.#folder[Symbol.dispose]();
  }

  async #store(): Promise<Store> {
    if (this.#opened === undefined) {
      this.#opened = await openStore(this.#folder.file(), () => this.#nowMs);
      await report(this.#opened, HOST); // who claims something is heard first
    }
    return this.#opened;
  }
}

/** Asks a log whose epochs have names of their own; here they are numbered as they came, and 0 is none. */
class Asked {
  readonly #log: Log;
  readonly #epochs: string[] = [''];

  constructor(log: Log) {
    this.#log = log;
  }

  /** Answers the head, and remembers its epoch. */
  async head(): Promise<{ readonly epoch: number; readonly rev: number }> {
    const { epoch, head } = await this.#log.page({ v: 1, host: HOST, have: NO_CURSOR, from: NO_CURSOR });
    if (!this.#epochs.includes(epoch)) this.#epochs.push(epoch);
    return { epoch: this.#epochs.indexOf(epoch), rev: head };
  }

  async page(have: Place, from: Place): Promise<object> {
    const page = await this.#log.page({ v: 1, host: HOST, have: this.#cursor(have), from: this.#cursor(from) });
    return { ...page, have, from, epoch: this.#epochs.indexOf(page.epoch) };
  }

  async update(prev: number): Promise<object | undefined> {
    const update = await this.#log.update(prev);
    if (update === undefined) return undefined;
    const { epoch, after } = update;
    const before = after && { ...after, epoch: this.#epochs.indexOf(after.epoch) };
    return { ...update, epoch: this.#epochs.indexOf(epoch), after: before };
  }

  #cursor({ epoch, rev }: Place): Cursor {
    return { epoch: this.#epochs[epoch] ?? 'nobody.1', rev };
  }
}

interface Place {
  readonly epoch: number;
  readonly rev: number;
}

/** What a host may claim: a head that there was, nothing, what is past its epoch, an epoch of somebody else. */
function somePlace(below: (bound: number) => number, heads: readonly Place[]): Place {
  const head = heads[below(heads.length)] ?? { epoch: 0, rev: 0 };
  const kind = below(10);
  if (kind === 0) return { epoch: 0, rev: 0 };
  if (kind === 1) return { ...head, rev: head.rev + 1 + below(3) };
  return kind === 2 ? { epoch: 99, rev: 1 + below(9) } : head;
}

test('both controllers: a random log answers every host alike', async (t) => {
  t.timeout(60_000 + RUNS * 60);
  const below = randomBelow(SEED);
  const standings = new Map<unknown, number>();
  for (let from = 0; from < RUNS; from += STEPS) {
    await using real = new Real();
    await using fake = new Fake();
    const [mine, theirs] = [new Asked(real), new Asked(fake)];
    const set = new Map<number, To>();
    t.deepEqual(await mine.head(), await theirs.head());
    const heads: Place[] = [];
    const both = (act: (log: Log) => Promise<void>) => Promise.all([act(real), act(fake)]);
    for (let step = 0; step < Math.min(STEPS, RUNS - from); step += 1) {
      const n = below(12);
      const [stands, kind] = [set.get(n), below(12)];
      if (kind === 0) await both((log) => log.restart());
      else if (kind === 1) await both((log) => log.trim());
      else if (stands !== undefined && kind < 6) {
        set.delete(n);
        await both((log) => log.delete(n));
      } else {
        const to = stands === 'drop' ? 'pass' : 'drop';
        set.set(n, to);
        await both((log) => log.put(n, to));
      }
      const [head, other] = [await mine.head(), await theirs.head()];
      const where = `seed ${SEED}, run ${from}, step ${step}`;
      t.deepEqual(head, other, where);
      heads.push(head);
      const have = somePlace(below, heads);
      const start = below(3) === 0 ? { epoch: 0, rev: 0 } : have;
      const [page, reply] = [await mine.page(have, start), await theirs.page(have, start)];
      t.deepEqual(page, reply, where);
      const prev = below(head.rev + 1);
      t.deepEqual(await mine.update(prev), await theirs.update(prev), where);
      const { standing } = page as Page;
      standings.set(standing, (standings.get(standing) ?? 0) + 1);
    }
  }
  t.log(Object.fromEntries(standings));
  for (const standing of ['ok', 'lost', 'unknown']) t.true((standings.get(standing) ?? 0) > RUNS / 100, standing);
});
