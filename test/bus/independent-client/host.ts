/**
 * A host as docs/protocol.md describes it, and nothing else of the project: it follows its log, keeps the digest, reports
 * and answers. What it would do in a kernel, it only notes.
 */
import { createHash } from 'node:crypto';
import { type Message, NatsWire } from './nats-wire.ts';

export interface Cursor {
  readonly epoch: string;
  readonly rev: number;
}

interface Change {
  readonly op: 'put' | 'delete';
  readonly rev: number;
  readonly key: string;
  readonly [field: string]: unknown;
}

interface Update {
  readonly v: number;
  readonly host: string;
  readonly epoch: string;
  readonly after: Cursor | null;
  readonly prev: number;
  readonly rev: number;
  readonly digest: string;
  readonly changes: readonly Change[];
}

interface Page extends Omit<Update, 'after'> {
  readonly have: Cursor;
  readonly from: Cursor;
  readonly standing: string;
  readonly head: number;
  readonly floor: number;
  readonly more: boolean;
  readonly error?: { readonly code: string };
}

type Held = ReadonlyMap<string, { readonly rev: number; readonly body: string }>;

const NOTHING: Cursor = { epoch: '', rev: 0 };

export class IndependentHost implements Disposable {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  held: Held = new Map();
  cursor: Cursor = NOTHING;
  standing = '';
  /** What came, by what it was taken for. */
  readonly seen = { known: 0, applied: 0, gaps: 0, syncs: 0, pages: 0, refused: 0, missed: 0 };
  /** Lets updates be lost, to see what becomes of it. */
  deaf = false;
  readonly #wire: NatsWire;
  #turn: Promise<void> = Promise.resolve();

  private constructor(id: string, labels: Readonly<Record<string, string>>, wire: NatsWire) {
    this.id = id;
    this.labels = labels;
    this.#wire = wire;
  }

  /** Subscribes, then syncs, so that nothing falls between the two. */
  static async start(url: string, id: string, labels: Readonly<Record<string, string>>): Promise<IndependentHost> {
    const wire = await NatsWire.open(url, `_INBOX.shunt.${id}`);
    const host = new IndependentHost(id, labels, wire);
    wire.subscribe(`shunt.v1.live.${id}`, ({ data }) => host.#next(() => host.#take(data)));
    wire.subscribe(`shunt.v1.ask.${id}.*`, (message) => host.#answer(message));
    await host.#next(() => host.sync());
    return host;
  }

  get digest(): string {
    let sum = 0n;
    for (const [key, { rev, body }] of this.held) {
      const hash = createHash('sha256').update(`${key}\0${rev}\0${body}`).digest();
      sum += BigInt(`0x${hash.toString('hex', 0, 16)}`);
    }
    return BigInt.asUintN(128, sum).toString(16).padStart(32, '0');
  }

  report(): void {
    this.#wire.publish(`shunt.v1.status.${this.id}`, JSON.stringify(this.#status()));
  }

  /** Follows pages over a copy; only the last, and only with its digest, changes what is held. */
  async sync(from: Cursor = this.cursor): Promise<void> {
    this.seen.syncs += 1;
    const have = this.cursor;
    const copy = new Map(from === NOTHING ? [] : this.held);
    let at = from;
    let firstHead: number | undefined;
    for (;;) {
      const page = await this.#page(have, at);
      this.standing = page.standing;
      if (page.standing === 'lost' || page.standing === 'unknown') return;
      firstHead ??= page.head;
      const forgotten = page.floor > (from === NOTHING ? firstHead : from.rev);
      if (forgotten || (page.standing === 'superseded' && from !== NOTHING)) return this.sync(NOTHING);
      lay(copy, page.changes);
      at = { epoch: page.epoch, rev: page.rev };
      if (!page.more) return this.#commit(copy, at, page.digest);
    }
  }

  [Symbol.dispose](): void {
    this.#wire[Symbol.dispose]();
  }

  /** One message at a time; updates wait while a sync runs. */
  #next(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work);
    return this.#turn;
  }

  async #page(have: Cursor, from: Cursor): Promise<Page> {
    const request = JSON.stringify({ v: 1, host: this.id, have, from });
    const page = JSON.parse((await this.#wire.request(`shunt.v1.sync.${this.id}`, request)).toString()) as Page;
    if (page.error?.code === 'NOT_READY') {
      this.report();
      await new Promise((resolve) => setTimeout(resolve, 100));
      return this.#page(have, from);
    }
    if (page.error !== undefined) throw new Error(page.error.code);
    if (!same(page.have, have) || !same(page.from, from)) throw new Error('a page for another request');
    this.seen.pages += 1;
    return page;
  }

  async #take(data: Buffer): Promise<void> {
    if (this.deaf) {
      this.seen.missed += 1;
      return;
    }
    const update = this.#read(data);
    if (update === undefined) return;
    const { epoch, rev } = this.cursor;
    const mine = update.epoch === epoch;
    if (mine && update.rev <= rev) {
      this.seen.known += 1;
      return;
    }
    const inside = update.after !== null && update.after.epoch === epoch && rev <= update.after.rev;
    const connects = (mine || inside) && update.changes.length > 0 && update.prev <= rev;
    if (!connects) {
      this.seen.gaps += 1;
      return this.sync();
    }
    this.seen.applied += 1;
    const copy = new Map(this.held);
    lay(
      copy,
      update.changes.filter((change) => change.rev > rev),
    );
    return this.#commit(copy, update, update.digest);
  }

  #read(data: Buffer): Update | undefined {
    try {
      const update = JSON.parse(data.toString()) as Update;
      if (update.v === 1 && update.host === this.id) return update;
    } catch {
      // counted below
    }
    this.seen.refused += 1;
    return undefined;
  }

  async #commit(copy: Held, { epoch, rev }: Cursor, digest: string): Promise<void> {
    const [held, cursor] = [this.held, this.cursor];
    this.held = copy;
    this.cursor = { epoch, rev };
    if (this.digest === digest) return;
    this.held = held;
    this.cursor = cursor;
    throw new Error(`the set at ${rev} should have the digest ${digest}`);
  }

  #answer({ subject, reply }: Message): void {
    if (!reply.startsWith('_INBOX.')) return;
    const verb = subject.split('.').at(-1);
    const error = { code: 'UNKNOWN_VERB', message: `this host answers status, not ${verb}` };
    this.#wire.publish(reply, JSON.stringify(verb === 'status' ? this.#status() : { v: 1, host: this.id, error }));
  }

  #status(): object {
    const counts = { desired: this.held.size, installed: this.held.size, idle: 0, expired: 0 };
    const { epoch, rev } = this.cursor;
    return {
      v: 1,
      host: this.id,
      boot: 'one',
      agent: 'independent',
      at: Date.now(),
      epoch,
      stored: rev,
      applied: rev,
      verified: rev,
      digest: this.digest,
      counts: { ...counts, blocked: 0, denied: 0, failed: 0 },
      deleteAbsent: '0',
      exceptions: [],
      exceptionsTotal: 0,
      capacity: { used: this.held.size, max: 1000, shapes: 1 },
      interfaces: [],
      labels: this.labels,
      guard: null,
      refused: { total: this.seen.refused, byCode: {} },
    };
  }
}

/** Lays changes over a set. The body is what is left of a put without op, rev and key: its fields keep their order. */
function lay(set: Map<string, { rev: number; body: string }>, changes: readonly Change[]): void {
  for (const { op, rev, key, ...body } of changes) {
    if (op === 'put') set.set(key, { rev, body: JSON.stringify(body) });
    else set.delete(key);
  }
}

function same(a: Cursor, b: Cursor): boolean {
  return a.epoch === b.epoch && a.rev === b.rev;
}
