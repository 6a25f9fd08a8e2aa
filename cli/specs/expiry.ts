import { isObject } from '../../protocol/json.ts';
import { Refused } from '../../protocol/refused.ts';
import { timeText } from '../show/format.ts';

/** When redirects are read, and how long those last that do not say so. */
export interface Moment {
  readonly nowMs: number;
  readonly expiresInMs?: number | undefined;
}

const UNITS: readonly [unit: RegExp, ms: number][] = [
  [/^s(ec(ond)?s?)?$/, 1000],
  [/^m(in(ute)?s?)?$/, 60_000],
  [/^h((ou)?rs?)?$/, 3_600_000],
  [/^d(ays?)?$/, 86_400_000],
  [/^w(eeks?)?$/, 7 * 86_400_000],
];

/** The end of what lasts so long from now on, to the second. */
export function endsAt({ nowMs }: Moment, afterMs: number): number {
  return Math.ceil((nowMs + afterMs) / 1000) * 1000;
}

/** On the wire a number is milliseconds since 1970. Those of another age were meant in another unit. */
const FIRST_MS = Date.UTC(2000);
const END_MS = Date.UTC(10_000);
const OTHER_UNITS: readonly [name: string, perMs: number][] = [
  ['seconds', 0.001],
  ['microseconds', 1000],
  ['nanoseconds', 1_000_000],
];

function isPlausible(ms: number): boolean {
  return ms >= FIRST_MS && ms < END_MS;
}

/** Refuses a number in a file that is no moment in milliseconds that anybody would write. */
export function requirePlausible(value: unknown): readonly Refused[] {
  const expires = isObject(value) ? value.expires : undefined;
  if (typeof expires !== 'number' || expires < 0 || isPlausible(expires)) return [];
  return [new Refused('BAD_TIME', 'expires', `expected a time such as 2026-12-31T00:00:00Z, not ${expires}`)];
}

/** What to write for a time that counts from now, such as `in 2h`: a file says the same whenever it is applied. */
export function expiryHint(written: unknown, moment: Moment): string {
  if (/^(0|never|none|no)$/i.test(String(written))) return '; leave it out for one that stays';
  if (/^[0-9]{4,20}$/.test(String(written))) return numberHint(String(written));
  const [, digits, word = ''] =
    /^(?:in|after|now *\+|\+)? *([0-9]{1,6}) *([a-z]+)(?: from now)?$/i.exec(String(written)) ?? [];
  const unit = UNITS.find(([pattern]) => pattern.test(word.toLowerCase()));
  if (digits === undefined || unit === undefined) return '';
  const at = timeText(endsAt(moment, Number(digits) * unit[1]));
  return `; write ${at}, or leave it out and give --expires-in`;
}

function numberHint(digits: string): string {
  const [, year, month, day] = /^(20[0-9]{2})([0-9]{2})([0-9]{2})$/.exec(digits) ?? [];
  const date = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  if (!Number.isNaN(date)) return `; write ${timeText(date)}`;
  const meant = OTHER_UNITS.find(([, perMs]) => isPlausible(Number(digits) / perMs));
  if (meant === undefined) return ', which counts milliseconds since 1970; to last so long, give --expires-in';
  return `, which looks like one in ${meant[0]}; write ${timeText(Math.round(Number(digits) / meant[1]))}`;
}
