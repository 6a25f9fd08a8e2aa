import { hinted, pattern, type Reader, record } from './read.ts';
import { Refused } from './refused.ts';
import { labelHint } from './words.ts';

/** Labels of a host, or those that a selector asks for. */
export type Labels = Readonly<Record<string, string>>;

const MAX_LABELS = 32;
const LABEL = /^[A-Za-z0-9._-]{1,63}$/;

export const readHost: Reader<string> = pattern(
  /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
  'a host id of a-z, 0-9 and inner dashes, at most 63 long',
  'BAD_HOST',
);

export const readLabelKey: Reader<string> = pattern(
  LABEL,
  'label keys of letters, digits, dot, dash or underscore, at most 63 long',
  'BAD_LABEL',
);
const readLabelValue = pattern(
  LABEL,
  'a string of letters, digits, dot, dash or underscore, at most 63 long',
  'BAD_LABEL',
);
export const readLabels: Reader<Labels> = record(readLabelKey, readLabelValue, MAX_LABELS);
/** Labels that a host is selected by: what was meant to be more than one value is said to be none. */
export const readWantedLabels: Reader<Labels> = record(readLabelKey, hinted(readLabelValue, labelHint), MAX_LABELS);

/** Labels that something is looked for by: none at all would be those of everything. */
export const readSomeLabels: Reader<Labels> = (value, path, faults) => {
  const labels = readWantedLabels(value, path, faults);
  if (Object.keys(labels).length > 0) return labels;
  throw new Refused('BAD_SELECTOR', path, 'expected at least one label, not none');
};

/** Reads a host id. Errors: Refused BAD_HOST. */
export function parseHost(value: unknown, path = 'host'): string {
  return readHost(value, path);
}

/** Reads labels: at most 32, keys sorted. Errors: Refused BAD_LABEL, TOO_MANY. */
export function parseLabels(value: unknown, path = 'labels'): Labels {
  return readLabels(value, path);
}
