import type { Code } from '../../protocol/codes.ts';
import { type Cursor, sameCursor } from '../../protocol/cursor.ts';
import type { Footing, Hold } from '../model/footing.ts';
import type { Mark } from '../model/mark.ts';
import type { Stored } from '../model/stored.ts';

type Unproven = Extract<Footing, { is: 'unproven' }>;

/** What a log can have against the set. */
export type LogHold = Exclude<Hold, { until: 'upgrade' }>;

/** What happens to the footing while the agent runs. */
export type FootingEvent =
  /** A set that has its digest was stored; `whole` when it was laid over nothing. */
  | { readonly kind: 'accepted'; readonly at: Cursor; readonly digest: string; readonly whole: boolean }
  /** The log ends where the set does, with the same digest. */
  | { readonly kind: 'current' }
  | { readonly kind: 'held'; readonly hold: LogHold }
  /** The store does not pass its own checks any more. */
  | { readonly kind: 'unsound' };

/**
 * How a store that was just opened stands. What it cannot read comes first: a newer agent judges the rest. A store that
 * fails its checks, or that the kernel's mark does not lead to (R8), proves nothing; nor does one that holds nothing yet.
 */
export function atStart(
  stored: Pick<Stored, 'sound' | 'newer' | 'cursor' | 'digest' | 'seq'>,
  mark: Mark | undefined,
): Footing {
  const { cursor: at, digest } = stored;
  if (stored.newer) return { is: 'held', at, digest, why: 'STORE_NEWER', until: 'upgrade' };
  const behind = mark !== undefined && isElsewhere(mark, stored);
  const have = behind ? { epoch: mark.epoch, rev: mark.rev } : at;
  if (!stored.sound) return { is: 'unproven', at, digest, have, why: 'STORE_DAMAGED' };
  if (behind) return { is: 'unproven', at, digest, have, why: 'ADOPTING' };
  return whole(at, digest);
}

/**
 * Whether the kernel was told of another set than of this one or of one before it. By its count alone an old store does not show: that
 * began anew where a host lost both its store and, with a boot, its mark. But of one count there is one set.
 */
function isElsewhere(mark: Mark, { cursor, seq }: Pick<Stored, 'cursor' | 'seq'>): boolean {
  return mark.seq > seq || mark.rev > cursor.rev || (mark.seq === seq && !sameCursor(mark, cursor));
}

/**
 * How the set stands after an event, by rules R4 to R8:
 * - what was laid over nothing proves the set, whatever it stood like (R6); what was laid over it proves nothing that was
 *   not proven before;
 * - a log that answers as it should ends what was held until then (R4), and nothing else: that a log which contradicted a
 *   sound set agrees with it now does not say which of the two was wrong, and two controllers may be answering in turn.
 *   Packets are the same either way, so it is left for somebody to see (R5);
 * - a store that fails its checks explains a wrong digest: everything is fetched anew (R5);
 * - what only a newer agent can read waits for that agent.
 */
export function next(footing: Footing, event: FootingEvent): Footing {
  if (footing.is === 'held' && footing.until === 'upgrade') return footing;
  const { at, digest } = footing;
  switch (event.kind) {
    case 'accepted':
      if (event.whole || takesUpdates(footing)) return whole(event.at, event.digest);
      return { ...footing, at: event.at, digest: event.digest };
    case 'current':
      if (footing.is === 'held') return footing.until === 'sync' ? whole(at, digest) : footing;
      return footing.is === 'unproven' ? unproven(footing, footing.why) : footing;
    case 'held':
      if (footing.is === 'unproven') return unproven(footing, footing.why, event.hold.why);
      return footing.is === 'held' && footing.until === 'resync' ? footing : { is: 'held', at, digest, ...event.hold };
    case 'unsound':
      return unproven(footing, 'STORE_DAMAGED', besidesOf(footing));
  }
}

/** What the host claims to hold. */
export function claimOf(footing: Footing): Cursor {
  return footing.is === 'unproven' ? footing.have : footing.at;
}

/** Whether updates that connect are laid over the set. */
export function takesUpdates(footing: Footing): boolean {
  return footing.is === 'follows' || (footing.is === 'held' && footing.until === 'sync');
}

/** Whether the log is asked at all. */
export function asks(footing: Footing): boolean {
  return footing.is !== 'held' || footing.until !== 'upgrade';
}

/** All that is wrong with the footing; nothing is where a host is new. */
export function problemsOf(footing: Footing): readonly Code[] {
  if (footing.is === 'follows') return [];
  if (footing.is === 'held') return [footing.why];
  return [footing.why, footing.besides].filter((code) => code !== undefined && code !== 'EMPTY');
}

/** A set that is whole; that of an empty log is nothing to rely on. */
function whole(at: Cursor, digest: string): Footing {
  return at.epoch === '' ? { is: 'unproven', at, digest, have: at, why: 'EMPTY' } : { is: 'follows', at, digest };
}

function unproven(footing: Footing, why: Unproven['why'], besides?: Unproven['besides']): Unproven {
  const { at, digest } = footing;
  return { is: 'unproven', at, digest, have: claimOf(footing), why, ...(besides !== undefined && { besides }) };
}

/** What the log has against a set that turns out to be damaged; a wrong digest is explained by that. */
function besidesOf(footing: Footing): Unproven['besides'] {
  if (footing.is === 'unproven') return footing.besides;
  return footing.is === 'held' && footing.until === 'sync' ? footing.why : undefined;
}
