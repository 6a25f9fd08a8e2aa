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

/** What to write for a time that counts from now, such as `in 2h`: a file says the same whenever it is applied. */
export function expiryHint(written: unknown, moment: Moment): string {
  const [, digits, word = ''] =
    /^(?:in|after|now *\+|\+)? *([0-9]{1,6}) *([a-z]+)(?: from now)?$/i.exec(String(written)) ?? [];
  const unit = UNITS.find(([pattern]) => pattern.test(word.toLowerCase()));
  if (digits === undefined || unit === undefined) return '';
  const at = timeText(endsAt(moment, Number(digits) * unit[1]));
  return `; write ${at}, or leave it out and give --expires-in`;
}
