import type { Near } from '../protocol/api.ts';
import { MAX_LIMIT } from '../protocol/ask.ts';
import {
  encodeGetRequest,
  type GetItem,
  type GetReply,
  type GetRequest,
  parseGetReply,
  type Rest,
} from '../protocol/listings.ts';
import { compareNames } from '../protocol/order.ts';
import type { Bus } from './client.ts';
import { Failure } from './line/failure.ts';
import { knowingSets } from './names.ts';
import { collect, complete } from './paging.ts';
import type { Terminal } from './show/terminal.ts';

/** Which redirects: one, or those of a filter. */
export type Wanted = Pick<GetRequest, 'name' | 'set' | 'labels'>;

/** What was deleted, and not everywhere yet. */
export type Gone = Pick<GetReply, 'deleting' | 'deletingTotal'>;

/** Redirects by name, and what is to be said beside them. */
export interface Listed {
  readonly items: readonly GetItem[];
  readonly near: readonly Near[];
  /** The controller's time; one of an older release does not say. */
  readonly nowMs: number;
  readonly gone: Gone;
}

type Asker = Pick<Bus, 'api'>;

/**
 * Lists redirects as often as it is asked to. `brief`: for people the first hosts of each list will do; a controller of an
 * older release gives all that it has room for.
 */
export class Listing {
  readonly #bus: Asker;
  readonly #wanted: Wanted;
  #brief: boolean;

  constructor(bus: Asker, wanted: Wanted, brief: boolean) {
    this.#bus = bus;
    this.#wanted = wanted;
    this.#brief = brief;
  }

  async read(terminal: Pick<Terminal, 'progress'>): Promise<Listed> {
    let near: readonly Near[] = [];
    let nowMs = Date.now();
    let gone: Gone = {};
    const { set, labels } = this.#wanted;
    const reading = collect(async (after) => {
      const page = await this.#page(after);
      near = page.near ?? [];
      nowMs = page.at ?? nowMs;
      if (after === undefined) gone = goneOf(page);
      return page;
    }, terminal);
    const listed = await knowingSets(reading, set !== undefined || labels !== undefined);
    return { items: listed.toSorted((a, b) => compareNames(nameOf(a), nameOf(b))), near, nowMs, gone };
  }

  async #page(after: string | undefined): Promise<GetReply> {
    const place = after === undefined ? {} : { after };
    const brief = this.#brief ? { brief: true as const } : {};
    try {
      const request = encodeGetRequest({ v: 1, ...this.#wanted, ...place, limit: MAX_LIMIT, ...brief });
      return await this.#bus.api('get', request, parseGetReply);
    } catch (error) {
      if (!this.#brief || !(error instanceof Failure) || error.code !== 'UNKNOWN_FIELD') throw error;
      this.#brief = false;
      return this.#page(after);
    }
  }
}

/** Several are asked for at once, and no more than the controller answers in a moment. */
const AT_ONCE = 16;

/** What lists the redirects of these names; without any, those of a filter. */
export function listingOf(
  names: readonly string[],
  filter: Omit<Wanted, 'name'>,
  bus: Asker,
  brief: boolean,
): Pick<Listing, 'read'> {
  const [name, another] = names;
  if (another === undefined) return new Listing(bus, { ...filter, ...(name !== undefined && { name }) }, brief);
  const each = [...new Set(names)].map((one) => new Listing(bus, { name: one }, brief));
  return {
    async read(terminal) {
      const all: Listed[] = [];
      for (let from = 0; from < each.length; from += AT_ONCE)
        all.push(...(await Promise.all(each.slice(from, from + AT_ONCE).map((one) => one.read(terminal)))));
      return merged(all);
    },
  };
}

function merged(all: readonly Listed[]): Listed {
  const deleting = all.flatMap(({ gone }) => gone.deleting ?? []);
  return {
    items: all.flatMap(({ items }) => items).toSorted((a, b) => compareNames(nameOf(a), nameOf(b))),
    near: all.flatMap(({ near }) => near),
    nowMs: Math.max(...all.map(({ nowMs }) => nowMs)),
    gone: deleting.length === 0 ? {} : { deleting, deletingTotal: deleting.length },
  };
}

export function nameOf({ spec }: Pick<GetItem, 'spec'>): string {
  return String(spec.name);
}

function goneOf({ deleting, deletingTotal }: GetReply): Gone {
  return deleting === undefined ? {} : { deleting, deletingTotal: deletingTotal ?? deleting.length };
}

/** Reads what the items left out; for programs that is all. */
export async function completeAll(
  items: readonly GetItem[],
  bus: Asker,
  terminal: Pick<Terminal, 'progress'>,
): Promise<readonly GetItem[]> {
  const whole: GetItem[] = [];
  for (const item of items) {
    const name = nameOf(item);
    const read = async (rest: Rest) => {
      terminal.progress(`reading the hosts of ${name}, ${whole.length + 1} of ${items.length}`);
      return (await bus.api('get', encodeGetRequest({ v: 1, name, rest }), parseGetReply)).items;
    };
    whole.push(await complete(item, read));
  }
  terminal.progress('');
  return whole;
}

/** Reads what the specs themselves left out, and nothing else. */
export function completeSpecs(
  items: readonly GetItem[],
  bus: Asker,
  terminal: Pick<Terminal, 'progress'>,
): Promise<readonly GetItem[]> {
  const cut = items.map(({ rest, ...item }): GetItem => {
    return rest?.selector === undefined ? item : { ...item, rest: { selector: rest.selector } };
  });
  return completeAll(cut, bus, terminal);
}
