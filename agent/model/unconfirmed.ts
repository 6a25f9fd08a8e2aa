import { type Change, type Confirm, type Intent, intentBody, type Put } from '../../protocol/intent.ts';

/** A change that another one took the place of, and that may still be confirmed in time; without `intent` it deleted. */
export interface Replaced {
  readonly rev: number;
  readonly deadlineMs: number;
  readonly intent?: Intent;
}

/** As many of one key are remembered; of more the newest. */
export const MAX_REPLACED = 64;

/** A change of a key that wants to be confirmed. */
interface Wanting {
  readonly key: string;
  readonly rev: number;
  readonly op: Change['op'];
  /** Of what was put or deleted. */
  readonly name: string;
  readonly withinMs: number;
  /** The last confirmed value of the key, which comes back; absent where there was none. */
  readonly previous?: Intent;
  /** That one had been given up in silence. */
  readonly asleep?: true;
  /** Oldest first; absent where there are none. */
  readonly replaced?: readonly Replaced[];
}

/** A change that nobody has confirmed yet, or that was taken back; of each key the newest. */
export type Unconfirmed = Wanting &
  (
    | /** It does not stand yet, so its time does not run. */ { readonly is: 'unarmed' }
    /** It is taken back at this moment of the boot, in milliseconds. */
    | { readonly is: 'armed'; readonly deadlineMs: number }
    /** It was taken back, and stays so until a newer change of the key. */
    | { readonly is: 'reverted' }
  );

/** What is stored of a key when a change of it comes. */
export interface StoredValue {
  readonly intent: Intent;
  readonly asleep: boolean;
}

/** What can happen to an unconfirmed change; times are those of the boot, in milliseconds. */
export type Step =
  /** It is about to stand. */
  | { readonly kind: 'arm'; readonly ms: number }
  /** It came not to stand after all. */
  | { readonly kind: 'disarm' }
  /** It is looked at whether its time is over. */
  | { readonly kind: 'revert'; readonly ms: number }
  /** Changes up to here are confirmed. */
  | { readonly kind: 'confirm'; readonly ms: number; readonly confirmed: number }
  /** The host has booted: so much later is the same moment, on the new boot's clock. */
  | { readonly kind: 'boot'; readonly byMs: number };

/** What an unconfirmed change is after a step; undefined: nothing is awaited of the key any more. */
export function step(it: Unconfirmed, by: Step): Unconfirmed | undefined {
  switch (by.kind) {
    case 'arm':
      return it.is === 'unarmed' ? { ...it, is: 'armed', deadlineMs: by.ms + it.withinMs } : it;
    case 'disarm':
      return it.is === 'armed' ? { ...wantingOf(it), is: 'unarmed' } : it;
    case 'revert':
      return isOver(it, by.ms) ? { ...wantingOf(it), is: 'reverted' } : it;
    case 'confirm':
      if (it.is !== 'reverted' && it.rev <= by.confirmed && !isOver(it, by.ms)) return undefined;
      return confirmReplaced(it, by);
    case 'boot':
      return onClock(it, by.byMs);
  }
}

/** The last of those that are confirmed in time is what comes back. What was taken back already stays as it is. */
function confirmReplaced(it: Unconfirmed, { confirmed, ms }: Extract<Step, { kind: 'confirm' }>): Unconfirmed {
  const last = it.replaced?.findLast(({ rev, deadlineMs }) => rev <= confirmed && ms < deadlineMs);
  if (last === undefined || it.is === 'reverted') return it;
  const { previous: _, asleep: __, replaced = [], ...rest } = it;
  const left = replaced.filter(({ rev }) => rev > last.rev);
  return { ...rest, ...(last.intent && { previous: last.intent }), ...(left.length > 0 && { replaced: left }) };
}

function onClock(it: Unconfirmed, byMs: number): Unconfirmed {
  const replaced = it.replaced?.map((one) => ({ ...one, deadlineMs: one.deadlineMs + byMs }));
  const moved = replaced === undefined ? it : { ...it, replaced };
  return moved.is === 'armed' ? { ...moved, deadlineMs: moved.deadlineMs + byMs } : moved;
}

/**
 * What is awaited of a key once a change is laid over what is stored of it. What was confirmed last stays what comes back, however
 * many changes follow; what brings that about is confirmed already, and so is what is not past the mark.
 */
export function afterChange(
  change: Change,
  before: Unconfirmed | undefined,
  stored: StoredValue | undefined,
  confirmed: number,
): Unconfirmed | undefined {
  const { key, rev, op, confirm } = change;
  if (confirm === undefined || rev <= confirmed) return undefined;
  const asleep = before === undefined ? stored?.asleep === true : before.asleep === true;
  const previous = before === undefined ? stored?.intent : before.previous;
  if (!asleep && isAlready(previous, change)) return undefined;
  const name = op === 'put' ? change.name : (stored?.intent.name ?? before?.name ?? key);
  const wanting = { key, rev, op, name, withinMs: confirm.withinMs };
  const replaced = withReplaced(before, stored?.intent);
  return {
    ...{ ...wanting, ...(previous && { previous }), ...(asleep && { asleep }) },
    ...(replaced.length > 0 && { replaced }),
    is: 'unarmed',
  };
}

/** What took effect and is replaced now may still be confirmed. */
function withReplaced(before: Unconfirmed | undefined, intent: Intent | undefined): readonly Replaced[] {
  const { replaced = [] } = before ?? {};
  if (before?.is !== 'armed') return before?.is === 'reverted' ? [] : replaced;
  const { rev, deadlineMs } = before;
  return [...replaced, { rev, deadlineMs, ...(intent && { intent }) }].slice(-MAX_REPLACED);
}

/** Whether a change leaves a key as it is. */
export function isAlready(intent: Intent | undefined, change: Change): boolean {
  if (change.op === 'delete' || intent === undefined) return change.op === 'delete' && intent === undefined;
  return bodyOf(intent) === bodyOf(change);
}

/** Whether a change that a log tells again is the one that is stored. */
export function isSame(intent: Intent | undefined, change: Put): boolean {
  return intent?.rev === change.rev && bodyOf(intent) === bodyOf(change);
}

/**
 * The keys of which a later change is stored: only an agent of a release that knows no confirmation went on with the store, and what
 * it stored stands.
 */
export function outdatedOf(rows: readonly Unconfirmed[], intents: readonly Intent[]): ReadonlySet<string> {
  if (rows.length === 0) return new Set();
  const revs = new Map(intents.map(({ key, rev }) => [key, rev]));
  return new Set(rows.flatMap(({ key, rev }) => ((revs.get(key) ?? rev) > rev ? key : [])));
}

function bodyOf({ confirm: _, ...said }: Intent & { readonly confirm?: Confirm }): string {
  return intentBody(said);
}

function isOver(it: Unconfirmed, ms: number): boolean {
  return it.is === 'armed' && ms >= it.deadlineMs;
}

function wantingOf({ key, rev, op, name, withinMs, previous, asleep, replaced }: Wanting): Wanting {
  const before = { ...(previous && { previous }), ...(asleep && { asleep }), ...(replaced && { replaced }) };
  return { key, rev, op, name, withinMs, ...before };
}
