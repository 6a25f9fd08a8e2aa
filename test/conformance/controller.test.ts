import test from 'ava';
import { type Cursor, NO_CURSOR } from '../../protocol/cursor.ts';
import { keyOf } from '../../protocol/key.ts';
import type { Match } from '../../protocol/match.ts';
import type { Page, SyncRequest } from '../../protocol/page.ts';
import type { Status } from '../../protocol/status.ts';
import type { Update } from '../../protocol/update.ts';
import { MemoryController } from '../fakes/memory-controller.ts';
import {
  ALLOWED,
  AMPLE_BYTES,
  Folder,
  openStore,
  type Store,
  spec,
  status,
  updateOf,
} from '../unit/controller/fleet.ts';
import { randomBelow } from './sequences.ts';

/** Steps, and what they start from: CONFORMANCE_RUNS=100000 is for a change of the controller's log. */
const RUNS = Number(process.env.CONFORMANCE_RUNS ?? 2000);
const SEED = Number(process.env.CONFORMANCE_SEED ?? 1);
const HOST = 'edge-1';
const DAY_MS = 86_400_000;
const STEPS = 100;
const CONFIRM = { withinMs: 60_000 };

type To = 'drop' | 'pass';

/** A log of one host under test, written change by change, and asked as a host asks. */
interface Log extends AsyncDisposable {
  /** With `confirm`, both are to be confirmed. */
  put(n: number, to: To, confirm: boolean): Promise<void>;
  delete(n: number, confirm: boolean): Promise<void>;
  /** The host has said for long enough that it has all up to a rev. */
  confirm(rev: number): Promise<void>;
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

  async put(n: number, to: To, confirm: boolean): Promise<void> {
    const match: Match = { src: '0.0.0.0/0', dst: `10.0.0.${n}/32`, proto: 'udp', dport: 443 };
    const asked = confirm ? { confirm: CONFIRM } : {};
    this.#controller.write([(rev) => ({ op: 'put', rev, key: keyOf(match), name: `r${n}`, match, to, ...asked })]);
  }

  async delete(n: number, confirm: boolean): Promise<void> {
    const asked = confirm ? { confirm: CONFIRM } : {};
    const key = `v4 udp 0.0.0.0/0:* > 10.0.0.${n}/32:443`;
    this.#controller.write([(rev) => ({ op: 'delete', rev, key, ...asked })]);
  }

  async confirm(rev: number): Promise<void> {
    this.#controller.confirm(rev);
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

  async put(n: number, to: To, confirm: boolean): Promise<void> {
    const { desk } = await this.#store();
    const terms = { ...ALLOWED, ...(confirm && { confirm: CONFIRM }) };
    await desk.apply({ v: 1, upload: 'test', part: 0, parts: 1, specs: [spec(`r${n}`, n, { to })], ...terms });
  }

  async delete(n: number, confirm: boolean): Promise<void> {
    await (await this.#store()).desk.delete([`r${n}`], undefined, confirm ? { confirm: CONFIRM } : {});
  }

  async confirm(rev: number): Promise<void> {
    const { epoch } = await this.page({ v: 1, host: HOST, have: NO_CURSOR, from: NO_CURSOR });
    const unconfirmed = [{ name: 'r1', key: 'v4 udp 0.0.0.0/0:* > 10.0.0.1/32:443', rev, leftMs: 1 }];
    await this.#say({ epoch, stored: rev, applied: rev, unconfirmed }, rev);
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
    return updateOf((await this.#store()).logs, HOST, prev, AMPLE_BYTES);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.restart();
    this.#folder[Symbol.dispose]();
  }

  async #say(more: Partial<Status>, steady = 0): Promise<void> {
    const { unarmed: _, ...said } = status(HOST, { labels: {}, can: ['confirm'], exceptions: [], ...more });
    await this.#opened?.roster.report([{ status: said, seenAtMs: this.#nowMs, steady }]);
  }

  async #store(): Promise<Store> {
    if (this.#opened === undefined) {
      this.#opened = await openStore(this.#folder.file(), () => this.#nowMs);
      await this.#say({ epoch: '', stored: 0 }); // who claims something is heard first
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
  let confirmed = 0;
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
      const [stands, kind, confirm] = [set.get(n), below(13), below(3) === 0];
      const rev = heads.at(-1)?.rev ?? 0;
      if (kind === 0) await both((log) => log.restart());
      else if (kind === 1) await both((log) => log.trim());
      else if (kind === 12 && rev > 0) {
        const to = 1 + below(rev);
        await both((log) => log.confirm(to));
      } else if (stands !== undefined && kind < 6) {
        set.delete(n);
        await both((log) => log.delete(n, confirm));
      } else {
        const to = stands === 'drop' ? 'pass' : 'drop';
        set.set(n, to);
        await both((log) => log.put(n, to, confirm));
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
      const { standing, confirmed: mark } = page as Page;
      if (mark !== undefined) confirmed += 1;
      standings.set(standing, (standings.get(standing) ?? 0) + 1);
    }
  }
  t.log(Object.fromEntries(standings));
  t.true(confirmed > RUNS / 10, `${confirmed} pages had a mark`);
  for (const standing of ['ok', 'lost', 'unknown']) t.true((standings.get(standing) ?? 0) > RUNS / 100, standing);
});
