import type { Action } from '../../protocol/action.ts';
import type { Collateral, Mark, Way } from '../../protocol/effects.ts';
import { matchOfKey } from '../../protocol/key.ts';
import { compareShapes, shapeOf } from '../../protocol/shape.ts';
import { isOver } from '../model/lasting.ts';
import { type Impact, impactOf } from '../model/size-gate.ts';
import type { Compiled } from './compile.ts';
import type { Placed, ShapeGroups } from './overlap.ts';

/** What becomes of a key of a host, and so of its packets. */
export interface KeyChange {
  readonly op: 'add' | 'change' | 'delete';
  readonly key: string;
  readonly name: string;
  /** The redirect that had the key, where it is another one. */
  readonly was: string | undefined;
  readonly from: Way;
  readonly to: Way;
  readonly marks: readonly Mark[];
  /** How the size gate counts it. */
  readonly impact: Impact | undefined;
}

/** What stands on a host before and after a request, as far as it tells where the packets of a key go. */
export interface Scene {
  /** All that would stand. */
  readonly after: ShapeGroups;
  /** What stands today at the keys that the request touches. */
  readonly before: ShapeGroups;
  readonly isTouched: (key: string) => boolean;
  readonly nowMs: number;
}

/** Packets that no redirect has go on to where they were sent. */
const ON: Way = Object.freeze({ to: 'pass' });

export function changeOf(
  key: string,
  before: Compiled | undefined,
  after: Compiled | undefined,
  scene: Scene,
): KeyChange | undefined {
  if (before?.body === after?.body) return undefined;
  const isEnded = ({ body = '' }: { readonly body?: string }): boolean => isOver(body, scene.nowMs);
  const stood = before !== undefined && !isEnded(before);
  const stands = after !== undefined && !isEnded(after);
  const from = wayOf(stood ? before : widerBefore(key, scene, isEnded));
  const to = wayOf(stands ? after : scene.after.over(key, isEnded));
  const impact = impactOf(before?.body, after?.body, scene.nowMs);
  const marks = marksOf(key, from, to);
  const rest = { key, from, to, marks, impact };
  if (after === undefined) return { op: 'delete', name: before?.name ?? '', was: undefined, ...rest };
  const was = before === undefined || before.name === after.name ? undefined : before.name;
  return { op: before === undefined ? 'add' : 'change', name: after.name, was, ...rest };
}

/** Whose packets a change of a key takes or gives, of the redirects that nobody named. */
export function collateralOf(
  change: KeyChange,
  wasCompiled: boolean,
  isNamed: (name: string) => boolean,
): Collateral[] {
  const { key, op, name, was, from, to } = change;
  const found: Collateral[] = [];
  const add = (one: string | undefined, effect: Collateral['effect'], by: string | undefined): void => {
    if (one !== undefined && by !== undefined && one !== by && !isNamed(one))
      found.push({ name: one, effect, by, key });
  };
  if (op === 'change') {
    add(was, 'shadowed', name);
    add(name, 'wins', was);
  }
  if (!wasCompiled) add(from.by, 'loses', name);
  if (op === 'delete') add(to.by, 'gets', name);
  return found;
}

function widerBefore(
  key: string,
  { before, after, isTouched }: Scene,
  isEnded: (placed: Placed) => boolean,
): Placed | undefined {
  const touched = before.over(key, isEnded);
  const other = after.over(key, (placed) => isTouched(placed.key) || isEnded(placed));
  if (touched === undefined || other === undefined) return touched ?? other;
  const specific = compareShapes(shapeOf(matchOfKey(touched.key)), shapeOf(matchOfKey(other.key)));
  return specific <= 0 ? touched : other;
}

function wayOf(one: { readonly name: string; readonly body?: string } | undefined): Way {
  if (one?.body === undefined) return ON;
  return { to: (JSON.parse(one.body) as { readonly to: Action }).to, by: one.name };
}

function marksOf(key: string, from: Way, to: Way): readonly Mark[] {
  const marks: Mark[] = [];
  if (to.to === 'drop' && from.to !== 'drop') marks.push('drop');
  if (to.by === undefined && from.by !== undefined) marks.push('gone');
  if (from.to === 'pass' && to.to !== 'pass' && isAllOfAnAddress(key)) marks.push('takes-all');
  return marks;
}

/** Whatever is sent to an address, or a prefix, whoever sends it. */
function isAllOfAnAddress(key: string): boolean {
  const { srcLen, dstLen, proto, in: ingress } = shapeOf(matchOfKey(key));
  return srcLen === 0 && dstLen > 0 && !proto && !ingress;
}
