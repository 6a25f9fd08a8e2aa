import { filledText } from './filled.ts';
import type { Confirm } from './intent.ts';
import { integer, object, optional, prose, type Reader, readTrue } from './read.ts';
import { Refused } from './refused.ts';

/** On which terms an operator changes redirects: what the size gate is to let by, and why. */
export interface Terms {
  /** Takes more redirects from a host, or sends more of them elsewhere, than a change may without saying so. */
  readonly allowShrink?: true;
  /** Gives a host more redirects than a change may without saying so. */
  readonly allowGrowth?: true;
  readonly reason?: string;
  /** Each host takes back by itself what it is told, unless it is heard after it has done that, so soon. A controller of an older release refuses it. */
  readonly confirm?: Confirm;
}

const MAX_REASON = 256;
/** A host is heard for ten seconds before a change is confirmed, and told a few later. */
export const MIN_CONFIRM_MS = 20_000;
export const MAX_CONFIRM_MS = 86_400_000;

/** Reads why something is done: text for people, on one line. */
export const readReason: Reader<string> = filledText((value, path) => {
  const line = prose(Number.POSITIVE_INFINITY)(value, path).replaceAll(/\s+/gu, ' ').trim();
  if (line.length <= MAX_REASON) return line;
  throw new Refused('BAD_FIELD', path, `expected text of 1 to ${MAX_REASON} characters, not ${line.length}`);
});

export const termFields = {
  allowShrink: optional(readTrue),
  allowGrowth: optional(readTrue),
  reason: optional(readReason),
  confirm: optional(object<Confirm>({ withinMs: integer(MIN_CONFIRM_MS, MAX_CONFIRM_MS, 'BAD_DURATION') })),
};

/** Whoever passes the gate says why. Errors: Refused. */
export function requireReason<T extends Terms>(request: T): T {
  const { allowShrink, allowGrowth, reason } = request;
  if ((allowShrink ?? allowGrowth) === undefined || reason !== undefined) return request;
  throw new Refused('MISSING_FIELD', 'reason', 'is required to pass the size gate; say why');
}
