import { type Labels, readWantedLabels } from './host.ts';
import { list, type Reader, show } from './read.ts';
import { Refused } from './refused.ts';

/** What is said wherever nothing was named: it must never be taken for everything. */
const NEVER_ALL = 'empty never means all';

/** Makes the reader of a list with at least one element and at most `max`. */
export function filledList<T>(element: Reader<T>, max: number): Reader<readonly T[]> {
  const read = list(element, max);
  return (value, path, faults) => {
    const items = read(value, path, faults);
    if (items.length > 0) return items;
    throw new Refused('BAD_FIELD', path, `an empty list; name at least one: ${NEVER_ALL}`);
  };
}

/** Makes the reader of a text that is not blank, before another one judges it. */
export function filledText<T>(read: Reader<T>): Reader<T> {
  return (value, path, faults) => {
    if (typeof value === 'string' && value.trim() === '')
      throw new Refused('BAD_FIELD', path, `${show(value)} names nothing; ${NEVER_ALL}`);
    return read(value, path, faults);
  };
}

/** Reads labels that all must match, as people write them: `role=edge,rack=12`. Errors: Refused, also where there are none. */
export const readLabelText: Reader<Labels> = filledText((value, path, faults) => {
  if (typeof value !== 'string') throw new Refused('BAD_LABEL', path, `expected KEY=VALUE, not ${show(value)}`);
  const labels: Record<string, string> = {};
  for (const part of value.split(',')) {
    const [, key = '', label = ''] = /^([^=]+)=([^=]+)$/.exec(part.trim()) ?? [];
    if (key === '') throw new Refused('BAD_LABEL', path, `expected KEY=VALUE[,KEY=VALUE...], not ${show(value)}`);
    if (Object.hasOwn(labels, key) && labels[key] !== label)
      throw new Refused('BAD_LABEL', path, `${key} has two values, and no host has both`);
    labels[key] = label;
  }
  return readWantedLabels(labels, path, faults);
});
