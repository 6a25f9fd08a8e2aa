import type { Acceptance, Candidate } from '../../agent/model/stored.ts';
import type { Incoming } from '../../controller/ports.ts';
import type { Page, SyncRequest } from '../../protocol/page.ts';
import type { Status } from '../../protocol/status.ts';
import type { Update } from '../../protocol/update.ts';
import type { Host } from './host.ts';

/** The rules of the cursor (docs/protocol.md), each as it can be seen from outside: by messages, statuses and stores. */
export const RULES = [
  'R1 an update that is known',
  'R2 an update that is stored',
  'R3 an update beyond the next',
  'R3 a hint',
  'R4 an update of another epoch',
  'R4 a page for another request',
  'R5 a log that ends where the set does',
  'R5 changes by a sync',
  'R5 a walk of several pages',
  'R5 a wrong digest',
  'R6 a set laid anew',
  'R6 a cursor below the floor',
  'R7 a history that is not the log',
  'R8 a mark ahead of its store',
  'R8 a store ahead of its mark',
  'R9 a message refused',
] as const;
export type Rule = (typeof RULES)[number];

/** Tells which rules a fleet had need of, by what passes between its parts. */
export class RuleWatch {
  readonly #fired: (rule: Rule) => void;
  readonly #hostOf: (subject: string) => Host | undefined;
  /** Is told what a page that leads on says of the time. */
  onTime: (host: Host, atMs: number) => void = () => {};
  /** What was asked, by the inbox that the answer goes to. */
  readonly #asked = new Map<string, SyncRequest>();
  /** Ends of updates that came to a host. */
  readonly #came = new WeakMap<Host, Set<string>>();

  constructor(hostOf: (subject: string) => Host | undefined, fired: (rule: Rule) => void) {
    this.#hostOf = hostOf;
    this.#fired = fired;
  }

  /** A message is sent. */
  sent({ subject, replyTo, data }: Incoming): void {
    if (subject.includes('.sync.')) this.#asked.set(replyTo, read(data) as SyncRequest);
  }

  /** A message comes to whoever waits for it. */
  arrived({ subject, data }: Incoming): void {
    const host = this.#hostOf(subject);
    if (host === undefined) return;
    if (subject.includes('.live.')) this.#update(host, read(data));
    const asked = this.#asked.get(subject);
    if (asked !== undefined) this.#page(host, asked, read(data));
  }

  /** An agent starts; what the one before it asked for nobody waits for any more. */
  started(host: Host): void {
    const { kernel, store } = host;
    for (const inbox of this.#asked.keys()) if (this.#hostOf(inbox) === host) this.#asked.delete(inbox);
    const mark = kernel.mark();
    if (mark === undefined) return;
    if (mark.seq > store.stored.seq) this.#fired('R8 a mark ahead of its store');
    if (mark.seq < store.stored.seq) this.#fired('R8 a store ahead of its mark');
  }

  /** A store was asked to take a set, and answered. */
  accepted(host: Host, { base, cursor }: Candidate, { outcome }: Acceptance): void {
    if (outcome === 'mismatch') this.#fired('R5 a wrong digest');
    else if (base === 'empty') this.#fired('R6 a set laid anew');
    else this.#fired(this.#endsOf(host).has(endOf(cursor)) ? 'R2 an update that is stored' : 'R5 changes by a sync');
  }

  /** A host says how it is. */
  said({ refused }: Status): void {
    if (refused.total > 0) this.#fired('R9 a message refused');
  }

  #update(host: Host, update: Partial<Update> | undefined): void {
    if (update?.changes === undefined || update.host !== host.name) return;
    const { epoch = '', rev = 0, prev = 0, changes } = update;
    const { cursor } = host.store.stored;
    this.#endsOf(host).add(endOf({ epoch, rev }));
    if (epoch !== cursor.epoch) this.#fired('R4 an update of another epoch');
    else if (rev <= cursor.rev) this.#fired('R1 an update that is known');
    else if (changes.length === 0) this.#fired('R3 a hint');
    else if (prev > cursor.rev) this.#fired('R3 an update beyond the next');
  }

  #page(host: Host, asked: SyncRequest, page: Partial<Page> | undefined): void {
    if (page?.have === undefined || page.from === undefined || page.host !== host.name) return;
    const { v, have, from, standing, floor = 0, rev = 0, changes = [], more, at } = page;
    const isAnother = endOf(have) !== endOf(asked.have) || endOf(from) !== endOf(asked.from);
    if (isAnother) this.#fired('R4 a page for another request');
    if (isAnother) return;
    const isHold = standing === 'lost' || standing === 'unknown';
    if (isHold) this.#fired('R7 a history that is not the log');
    // What is asked for ahead tells no time: it may have waited, or nobody may want it any more.
    const isFirst = from.epoch === '' || endOf(from) === endOf(have);
    if (!isHold && v === 1 && at !== undefined && isFirst) this.onTime(host, at);
    if (more) this.#fired('R5 a walk of several pages');
    if (from.rev > 0 && floor > from.rev) this.#fired('R6 a cursor below the floor');
    if (changes.length === 0 && rev === from.rev) this.#fired('R5 a log that ends where the set does');
  }

  #endsOf(host: Host): Set<string> {
    const ends = this.#came.get(host) ?? new Set();
    this.#came.set(host, ends);
    return ends;
  }
}

function endOf({ epoch, rev }: { readonly epoch: string; readonly rev: number }): string {
  return `${epoch} ${rev}`;
}

/** What a message says, as far as it can be read. */
function read(data: Uint8Array): object | undefined {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined;
  }
}
