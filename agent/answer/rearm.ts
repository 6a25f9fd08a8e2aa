import type { Rearmed, RearmReply, RearmRequest } from '../../protocol/rearm.ts';
import type { EntryState } from '../model/state.ts';
import type { DumpView } from './dump.ts';

export interface RearmParts {
  readonly host: string;
  readonly view: Pick<DumpView, 'desired' | 'states'>;
  /** Has those of these keys that are idle stand again. */
  readonly arm: (keys: readonly string[]) => Promise<void>;
}

/** Answers `ask … rearm`, once what is named stands again or it is known why not. */
export async function rearm({ host, view, arm }: RearmParts, { names }: RearmRequest): Promise<RearmReply> {
  const wanted = new Set(names);
  const found = [...view.desired.values()].filter(({ name }) => wanted.has(name));
  const stateOf = (key: string): Pick<EntryState, 'state' | 'code'> => view.states.get(key) ?? { state: 'pending' };
  const before = found.map(({ key, name }) => ({ key, name, was: stateOf(key).state }));
  await arm(before.flatMap(({ key, was }) => (was === 'idle' ? [key] : [])));
  const items = before.map(({ key, name, was }): Rearmed => {
    const { state, code } = stateOf(key);
    return { name, was, state, ...(code !== undefined && { code }) };
  });
  const there = new Set(found.map(({ name }) => name));
  return { v: 1, host, items, absent: [...wanted].filter((name) => !there.has(name)) };
}
