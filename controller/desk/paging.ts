import { Declined } from '../model/declined.ts';

const DEFAULT_LIMIT = 100;

/** Makes items until the budget is used. Errors: Declined TOO_LARGE when not even the first fits. */
export async function fill<From, Item extends object>(
  from: readonly From[],
  make: (from: From) => Promise<Item>,
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
  if (items.length > 0 || from.length === 0) return items;
  throw new Declined('TOO_LARGE', `the next item alone takes ${bytes} bytes, and a reply has room for ${budgetBytes}`);
}

/** How much of a reply it takes. */
export function bytesOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
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

/** The most items that are asked for. */
export function limitOf(request: { readonly limit?: number }): number {
  return request.limit ?? DEFAULT_LIMIT;
}
