import { type Guard, makeJudge, ruleText, type Subject, subjectOf } from '../../protocol/guard.ts';
import { matchOfKey } from '../../protocol/key.ts';
import type { KeyChange } from './effects.ts';
import type { GroupPreview } from './preview.ts';

/** What of a change hosts would not install, because their guards deny it. */
export interface Denial {
  readonly name: string;
  readonly key: string;
  /** By which rule, in words. */
  readonly by: string;
}

type Judge = ReturnType<typeof makeJudge>;

/** Judges changes by the guards that hosts reported; hosts whose guards are the same have one judge. */
export class Denials {
  readonly #guards: ReadonlyMap<string, Guard>;
  readonly #judges = new Map<string, Judge>();

  constructor(guards: ReadonlyMap<string, Guard>) {
    this.#guards = guards;
  }

  /** What of a group's changes is denied, and on which hosts. */
  of({ changes, hosts }: Pick<GroupPreview, 'changes' | 'hosts'>): readonly (readonly [Denial, readonly string[]])[] {
    const byJudge = Map.groupBy(hosts, ({ host }) => this.#judgeOf(host));
    byJudge.delete(undefined);
    if (byJudge.size === 0) return [];
    const subjects = changes.flatMap((change) => {
      const subject = subjectOfChange(change);
      return subject === undefined ? [] : [{ ...change, subject }];
    });
    return [...byJudge].flatMap(([judge, alike]) =>
      subjects.flatMap(({ name, key, subject }): [Denial, string[]][] => {
        const judgement = judge?.(subject);
        if (judgement?.is !== 'denied') return [];
        return [[{ name, key, by: ruleText(judgement.by) }, alike.map(({ host }) => host)]];
      }),
    );
  }

  #judgeOf(host: string): Judge | undefined {
    const guard = this.#guards.get(host);
    if (guard === undefined) return undefined;
    const text = JSON.stringify(guard);
    const known = this.#judges.get(text) ?? makeJudge(guard);
    this.#judges.set(text, known);
    return known;
  }
}

/** What would be installed; undefined for what goes, or would have ended. */
function subjectOfChange({ op, key, name, to }: KeyChange): Subject | undefined {
  return op === 'delete' || to.by !== name ? undefined : subjectOf(matchOfKey(key), to.to);
}
