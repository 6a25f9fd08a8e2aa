import type { Event, EventKind } from '../../protocol/event.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { BrakeStatus } from '../../protocol/own-decisions.ts';
import { MAX_PASSED } from '../../protocol/packets.ts';
import type { EntryState, State } from '../model/state.ts';
import type { Unconfirmed } from '../model/unconfirmed.ts';
import { someOf, type Undelivered } from './delivery.ts';
import type { Fight } from './fights.ts';
import type { Moved } from './ingresses.ts';
import type { PassResult } from './pass-result.ts';
import type { Passed } from './passing.ts';

/** Of which host, and when: epoch milliseconds. */
export interface Teller {
  readonly host: string;
  readonly at: number;
}

const KINDS: Readonly<Record<State, EventKind | undefined>> = {
  pending: undefined,
  installed: 'applied',
  idle: 'idle',
  expired: 'expired',
  blocked: 'blocked',
  denied: 'denied',
  failed: 'failed',
};

/** What people are told of a pass: each key that stands otherwise than before, went, or was changed by somebody else. */
export function tellPass({ host, at }: Teller, result: PassResult, desired: ReadonlyMap<string, Intent>): Event[] {
  const named = (key: string): { readonly name?: string } => {
    const name = desired.get(key)?.name;
    return name === undefined ? {} : { name };
  };
  return [
    ...result.changed.flatMap(({ before, now }): Event[] => {
      const kind = kindOf(before, now);
      if (kind === undefined) return [];
      const why = {
        ...(now.code !== undefined && { code: now.code }),
        ...(now.errno !== undefined && { detail: now.errno }),
      };
      return [{ v: 1, host, at, kind, key: now.key, rev: now.rev, ...named(now.key), ...why }];
    }),
    ...result.forgotten.map((gone): Event => ({ v: 1, host, at, kind: 'removed', ...gone })),
    ...result.drifted.flatMap(({ key, detail, known }): Event[] => {
      if (known) return [];
      const what = { ...(key !== undefined && { key, ...named(key) }), ...(detail !== undefined && { detail }) };
      return [{ v: 1, host, at, kind: 'drift', ...what }];
    }),
  ];
}

/** What people are told of changes that were taken back. */
export function tellReverted({ host, at }: Teller, rows: readonly Unconfirmed[]): Event[] {
  return rows.map(({ key, name, rev, withinMs, previous }) => {
    const detail = `not confirmed within ${withinMs / 1000} s; ${previous === undefined ? 'nothing stands' : `rev ${previous.rev} stands`} again`;
    return { ...{ v: 1, host, at, kind: 'reverted', key, name, rev }, code: 'REVERTED', detail };
  });
}

/** What people are told of packets that have begun to die on their way out, a few redirects of each loss. */
export function tellLoss({ host, at }: Teller, { interface: name, ifindex, errno, intents }: Undelivered): Event[] {
  const detail = `${name ?? `ifindex ${ifindex}`} ${errno ?? 'no errno'}`;
  return someOf(intents).map((intent) => ({
    v: 1,
    host,
    at,
    kind: 'undelivered',
    key: intent.key,
    name: intent.name,
    rev: intent.rev,
    code: 'UNDELIVERED',
    detail,
  }));
}

/** What people are told of redirects whose hits have begun to be passed: of a few, and why. */
export function tellPassed({ host, at }: Teller, begun: readonly Passed[]): Event[] {
  return begun.slice(0, MAX_PASSED).map(({ intent: { key, name, rev }, reason }) => ({
    ...{ v: 1, host, at, kind: 'undelivered', key, name, rev },
    ...{ code: 'HITS_PASSED', detail: reason },
  }));
}

/** What people are told of interfaces that lost the program, or have it again. */
export function tellIngresses({ host, at }: Teller, { lost, back }: Moved): Event[] {
  const gone = lost.map(({ name, lost: why }): Event => {
    return { ...{ v: 1, host, at }, kind: 'blocked', code: 'NOT_ATTACHED', detail: `${name}: ${why}` };
  });
  const again = back.map(({ name }): Event => {
    return { ...{ v: 1, host, at }, kind: 'applied', detail: `${name}: the program is attached again` };
  });
  return [...gone, ...again];
}

/** What people are told of a pinned map that somebody else changes again and again. */
export function tellFight({ host, at }: Teller, pin: string, { times, sinceMs }: Fight): Event {
  const detail = `${pin}: changed by somebody else ${times} times since ${new Date(sinceMs).toISOString()}`;
  return { v: 1, host, at, kind: 'drift', code: 'FOREIGN_WRITER', detail };
}

/** What they are told once that has ended. */
export function tellPeace({ host, at }: Teller, pin: string, { times }: Fight): Event {
  return { v: 1, host, at, kind: 'applied', detail: `${pin}: changed by nobody else any more, after ${times} times` };
}

/** What people are told when the brake begins to hold, and when it holds no more. */
export function tellBrake(
  { host, at }: Teller,
  before: BrakeStatus | undefined,
  now: BrakeStatus | undefined,
): Event[] {
  if (before === undefined && now !== undefined) {
    const detail = `too many redirects at once were to go or to send elsewhere: ${now.withheld} stand on as they were`;
    return [{ v: 1, host, at, kind: 'denied', code: 'BRAKE', detail }];
  }
  if (before === undefined || now !== undefined) return [];
  return [{ v: 1, host, at, kind: 'applied', detail: 'the brake withholds nothing any more' }];
}

function kindOf(before: EntryState | undefined, now: EntryState): EventKind | undefined {
  const same = before?.state === now.state && before.code === now.code && before.rev === now.rev;
  return same ? undefined : KINDS[now.state];
}
