import { bytesOf } from '../../protocol/json.ts';
import { Declined } from '../model/declined.ts';

const DEFAULT_LIMIT = 100;
/** No item takes less, so no more of them are read for a reply. */
const LEAST_ITEM_BYTES = 150;

/** Makes items until the budget is used. Errors: Declined TOO_LARGE when not even the first fits; `nameOf` says which that is. */
export async function fill<From, Item extends object>(
  from: readonly From[],
  make: (from: From) => Promise<Item>,
  nameOf: (from: From) => string,
  budgetBytes: number,
): Promise<Item[]> {
  const items: Item[] = [];
  let bytes = 0;
  for (const one of from) {
    const item = await make(one);
    bytes += bytesOf(item) + 1;
    if (bytes > budgetBytes) break;
    items.push(item);
  }
  const [first] = from;
  if (items.length > 0 || first === undefined) return items;
  throw tooLarge(nameOf(first), bytes, budgetBytes);
}

/** What is said of an item that no reply has room for. */
export function tooLarge(name: string, bytes: number, budgetBytes: number): Declined {
  const room = `a reply has room for ${budgetBytes}; set a higher max_payload on the server`;
  return new Declined('TOO_LARGE', `what there is to say of ${name} takes ${bytes} bytes, and ${room}`);
}

/** As many elements of a list, from its start, as fit. */
export function fitting<Item extends object | string>(items: readonly Item[], budgetBytes: number): readonly Item[] {
  let bytes = 0;
  const end = items.findIndex((item) => {
    bytes += bytesOf(item) + 1;
    return bytes > budgetBytes;
  });
  return end === -1 ? items : items.slice(0, end);
}

/** The place to go on from: after the last item given, when there is, or may be, another. */
export function nextOf<From>(
  from: readonly From[],
  given: number,
  limit: number,
  placeOf: (from: From) => string,
  request: { readonly name?: string } = {},
): string | null {
  const last = from[given - 1];
  const ended = given === from.length && (from.length < limit || request.name !== undefined);
  return last === undefined || ended ? null : placeOf(last);
}

/** The most items that are asked for, and that a reply can have. */
export function limitOf(request: { readonly limit?: number }, budgetBytes: number): number {
  return Math.min(request.limit ?? DEFAULT_LIMIT, Math.ceil(budgetBytes / LEAST_ITEM_BYTES) + 1);
}
