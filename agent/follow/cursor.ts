import type { Cursor } from '../../protocol/cursor.ts';
import type { Change } from '../../protocol/intent.ts';
import { hasMarks, type Marks, raised } from '../../protocol/marks.ts';
import { isHint, type Update } from '../../protocol/update.ts';
import type { Candidate } from '../model/stored.ts';

/** What an update is to a host that stands at a cursor: rules R1, R2, R3 and R4, in this order. */
export type Judgement = 'known' | 'apply' | 'gap' | 'foreign-epoch';

/** Judges an update; the cursor is always a whole prefix of one log. */
export function judge(cursor: Cursor, update: Update): Judgement {
  const mine = update.epoch === cursor.epoch;
  if (mine && update.rev <= cursor.rev) return 'known';
  if (!mine && !isInside(cursor, update.after)) return 'foreign-epoch';
  if (isHint(update) || update.prev > cursor.rev || update.rev <= cursor.rev) return 'gap';
  return 'apply';
}

/** What a run of waiting updates comes to. */
export interface Folded {
  /** All that can be applied, for one transaction. */
  readonly candidate: Candidate | undefined;
  /** Keys that were sent again and are to be converged again. */
  readonly again: readonly string[];
  /** Some update did not connect; the sync that is due covers it, so it need not be kept. */
  readonly gap: boolean;
  /** What all but those said beside their changes; absent where they said nothing. The candidate has it, too. */
  readonly marks?: Marks;
}

/** Folds updates, in the order of their arrival, into one candidate: the newest change of each key, all newer than the cursor. */
export function fold(cursor: Cursor, updates: readonly Update[]): Folded {
  const newest = new Map<string, Change>();
  const again = new Set<string>();
  let last: Update | undefined;
  let gap = false;
  let marks: Marks = {};
  for (const update of updates) {
    const at = last ?? cursor;
    switch (judge({ epoch: at.epoch, rev: at.rev }, update)) {
      case 'known':
        for (const { key } of update.changes) again.add(key);
        marks = raised(marks, update);
        break;
      case 'apply':
        layOver(newest, update.changes, at.rev);
        last = update;
        marks = raised(marks, update);
        break;
      case 'gap':
      case 'foreign-epoch':
        gap = true;
    }
  }
  const said = hasMarks(marks) ? { marks } : {};
  const candidate = last && { ...toCandidate(last, newest), ...said };
  return { candidate, again: [...again].filter((key) => !newest.has(key)), gap, ...said };
}

function toCandidate({ epoch, rev, digest }: Update, newest: ReadonlyMap<string, Change>): Candidate {
  return { base: 'stored', changes: [...newest.values()], cursor: { epoch, rev }, digest };
}

/** Lays changes newer than `rev` over others, the newest of each key on top. */
export function layOver(newest: Map<string, Change>, changes: readonly Change[], rev: number): void {
  for (const change of changes) {
    if (change.rev > rev && change.rev > (newest.get(change.key)?.rev ?? 0)) newest.set(change.key, change);
  }
}

/** R2: the update's epoch opened where `after` says, and what I hold ends there or before. */
function isInside(cursor: Cursor, after: Cursor | null): boolean {
  return after !== null && after.epoch !== '' && after.epoch === cursor.epoch && cursor.rev <= after.rev;
}
