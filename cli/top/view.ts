import type { TopOrder, TopRequest } from '../../protocol/top.ts';
import type { Key } from '../show/screen.ts';

/** What is looked at, and how. */
export interface View {
  readonly sort: TopOrder;
  /** One host, when there is one to go back to; `of` says whether it is looked at alone. */
  readonly host?: string;
  readonly of: 'fleet' | 'each' | 'host';
  readonly filter: string;
  /** The filter that is being written; undefined while none is. */
  readonly writing?: string;
}

const ORDERS: Readonly<Record<Key, TopOrder>> = { p: 'packets', b: 'bytes', s: 'passed', n: 'name' };
const MAX_FILTER = 63;

/** What a key does; `quit` ends it. Others change nothing. */
export function press(view: View, key: Key): View | 'quit' {
  if (key === 'ctrl-c' || key === 'ctrl-d') return 'quit';
  if (view.writing !== undefined) return write(view, view.writing, key);
  if (key === 'q') return 'quit';
  if (key === '/') return { ...view, writing: view.filter };
  if (key === 'escape') return { ...view, filter: '' };
  if (key === 'h') return { ...view, of: next(view) };
  const sort = Object.hasOwn(ORDERS, key) ? ORDERS[key] : undefined;
  return sort === undefined ? view : { ...view, sort };
}

/** Goes round: the fleet, each host, and the one that was named. */
function next({ of, host }: View): View['of'] {
  if (of === 'fleet') return 'each';
  return of === 'each' && host !== undefined ? 'host' : 'fleet';
}

function write({ writing: _, ...view }: View, text: string, key: Key): View {
  if (key === 'escape') return view;
  if (key === 'return' || key === 'enter') return { ...view, filter: text };
  if (key === 'backspace') return { ...view, writing: text.slice(0, -1) };
  const letter = key.toLowerCase();
  return { ...view, writing: /^[a-z0-9._-]$/.test(letter) ? (text + letter).slice(0, MAX_FILTER) : text };
}

/** What is asked of a controller. */
export function requestOf({ sort, host, of, filter }: View, limit: number): TopRequest {
  return {
    ...{ v: 1, sort, limit },
    ...(of === 'host' && host !== undefined && { host }),
    ...(of === 'each' && { split: true }),
    ...(filter !== '' && { filter }),
  };
}
