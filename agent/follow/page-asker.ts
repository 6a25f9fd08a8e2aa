import { BusError } from '../../bus/error.ts';
import { type Cursor, sameCursor } from '../../protocol/cursor.ts';
import { decodeJson } from '../../protocol/json.ts';
import { encodeSyncRequest, isSyncError, type PageReply, pageAfter } from '../../protocol/page.ts';
import { Refused } from '../../protocol/refused.ts';
import { openPage } from './open.ts';

/** Who asks for pages, what it claims to hold, and how it does. */
export interface Asks {
  readonly host: string;
  readonly have: Cursor;
  /** Errors: BusError. */
  request(bytes: Uint8Array): Promise<Uint8Array>;
  /** An answer did not parse. */
  refused(error: Refused): void;
}

/** Why there is no answer that can be read. */
export interface Unanswered {
  readonly unanswered: (BusError | Refused)['code'];
  readonly message: string;
}

/**
 * Asks for one page after the other. The next is asked for as soon as one says where it begins, before that one is judged: so the
 * controller reads the next meanwhile. What comes of it counts only if it is wanted then.
 */
export class PageAsker {
  readonly #asks: Asks;
  #ahead: { readonly from: Cursor; readonly reply: Promise<Uint8Array> } | undefined;

  constructor(asks: Asks) {
    this.#asks = asks;
  }

  async page(from: Cursor): Promise<PageReply | Unanswered> {
    const ahead = this.#takeAhead(from);
    try {
      const value = decodeJson(await (ahead ?? this.#request(from)));
      this.#askAhead(from, pageAfter(value));
      await Promise.resolve(); // a bus sends once nobody else works
      const page = openPage(value, this.#asks.host);
      return ahead === undefined ? page : withoutTime(page);
    } catch (error) {
      if (error instanceof Refused) this.#asks.refused(error);
      if (error instanceof BusError || error instanceof Refused)
        return { unanswered: error.code, message: error.message };
      throw error;
    }
  }

  #takeAhead(from: Cursor): Promise<Uint8Array> | undefined {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    return ahead !== undefined && sameCursor(ahead.from, from) ? ahead.reply : undefined;
  }

  #askAhead(now: Cursor, next: Cursor | undefined): void {
    if (next === undefined || sameCursor(now, next)) return;
    const reply = this.#request(next);
    reply.catch(() => {}); // whoever wants the page has it
    this.#ahead = { from: next, reply };
  }

  #request(from: Cursor): Promise<Uint8Array> {
    const { host, have } = this.#asks;
    return this.#asks.request(encodeSyncRequest({ v: 1, host, have, from }));
  }
}

/** What was asked for ahead may have waited here, and its time with it. */
function withoutTime(page: PageReply): PageReply {
  if (isSyncError(page)) return page;
  const { at: _, ...timeless } = page;
  return timeless;
}
