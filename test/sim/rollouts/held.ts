import { keyOf } from '../../../protocol/key.ts';
import { isActive, type Look, specOf } from './look.ts';

/** What a rollout holds, by name or by match, is changed by nobody else until it ends: hosts out of its reach have the same. */
export function* checkHeld(before: Look, now: Look): Generator<string> {
  const isHeld = (id: string | undefined): boolean => {
    const [was, is] = [before.rollouts.get(id ?? ''), now.rollouts.get(id ?? '')];
    return was !== undefined && is !== undefined && isActive(was) && isActive(is);
  };
  for (const name of new Set([...before.specs.keys(), ...now.specs.keys()])) {
    const [was, is] = [before.specs.get(name), now.specs.get(name)];
    if (was === is) continue;
    const keys = [was, is].filter((text) => text !== undefined).map((text) => keyOf(specOf(text).match));
    const holders = [before.names.get(name), ...keys.map((key) => before.keys.get(key))];
    const holder = holders.find(isHeld);
    if (holder !== undefined) yield `${name} is changed, and rollout ${holder} holds it`;
  }
}
