import { type Reader, show } from './read.ts';
import { Refused } from './refused.ts';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^([0-9]{1,12})(ms|s|m|h|d)$/;
const RFC3339 =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$/;

/** Reads a duration, `30s`, `10m`, `2h`, `1d` or a number of milliseconds, into milliseconds. */
const readDuration: Reader<number> = (value, path) => {
  if (typeof value === 'number') return value;
  const [, digits, unit] = (typeof value === 'string' && DURATION.exec(value)) || [];
  if (digits === undefined) {
    throw new Refused('BAD_DURATION', path, `expected a duration such as 30s, 10m, 2h or 1d, not ${show(value)}`);
  }
  return Number(digits) * UNIT_MS[unit as keyof typeof UNIT_MS];
};

/** Reads a duration of whole milliseconds within bounds; `words` say those, as in `1s to 366d`. */
export function durationWithin(minMs: number, maxMs: number, words: string): Reader<number> {
  return (value, path) => {
    const ms = readDuration(value, path);
    if (Number.isSafeInteger(ms) && ms >= minMs && ms <= maxMs) return ms;
    const hint = typeof value === 'number' ? '; a number is of milliseconds' : '';
    throw new Refused('BAD_DURATION', path, `expected ${words}, not ${show(value)}${hint}`);
  };
}

/** Reads an RFC 3339 time or milliseconds since 1970 into the latter; a date that does not exist is refused. */
export const readInstant: Reader<number> = (value, path) => {
  if (typeof value === 'number') return value;
  const [, date, time, fraction = '', zone] = (typeof value === 'string' && RFC3339.exec(value)) || [];
  const instant = Date.parse(`${date}T${time}${fraction}${zone?.toUpperCase()}`);
  if (date === undefined || Number.isNaN(instant) || !exists(date)) {
    throw new Refused(
      'BAD_TIME',
      path,
      `expected a time such as 2026-12-31T00:00:00Z, not ${show(value)}${zoneHint(value)}`,
    );
  }
  return instant;
};

/** A time without its zone would be another one on each machine. */
function zoneHint(value: unknown): string {
  const [, date, time = '00:00:00'] = /^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([0-9:]{8}))?$/.exec(String(value)) ?? [];
  const written = `${date}T${time}Z`;
  return date === undefined || Number.isNaN(Date.parse(written)) || !exists(date)
    ? ''
    : `; write ${written}, if UTC is meant`;
}

/** Date.parse takes 30 February for 2 March. */
function exists(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}
