import type { NetLink } from '../../native/index.ts';
import { type Chosen, choose, exactOf, isMeant, MOST, type Wanted } from './chosen.ts';

/** A pinned link: the name that it is pinned for, and the device that it holds, 0 once that is gone. */
export interface Pinned {
  readonly name: string;
  readonly ifindex: number;
}

/** What is there, and what has the program. */
export interface Interfaces {
  readonly links: readonly NetLink[];
  readonly pins: readonly Pinned[];
  /** Ifindexes by zone; zone 0 is any. */
  readonly zones: readonly number[];
}

/** What is to be done, in this order. */
export interface Steps extends Pick<Chosen, 'skipped' | 'waiting'> {
  /** Pins whose devices are in another network namespace. */
  readonly letGo: readonly string[];
  readonly rename: readonly { readonly from: string; readonly to: string }[];
  /** Pins whose devices are gone and that only a pattern means, if no redirect names them. */
  readonly forget: readonly string[];
  readonly attach: readonly string[];
  /** Meant, and there is no room. */
  readonly excess: readonly string[];
  /** What has the program, and will have had it when all but `attach` was done. */
  readonly attached: readonly string[];
}

/** Says what is to be done so that what is wanted stands. Nothing that is here is detached. Pure. */
export function stepsTo(wanted: Wanted, { links, pins, zones }: Interfaces): Steps {
  const carrying = links.filter(({ xdpMode }) => xdpMode !== 0);
  const nameOf = new Map(carrying.map(({ ifindex, name }) => [ifindex, name]));
  const isStranger = (pin: Pinned): boolean => pin.ifindex !== 0 && whereabouts(pin, pins, nameOf) === undefined;
  const strangers = pins.filter(isStranger);
  const gone = pins.filter((pin) => pin.ifindex === 0 || strangers.includes(pin));
  const here = pins
    .filter((pin) => !gone.includes(pin))
    .map(({ name, ifindex }) => ({ name, ifindex, now: nameOf.get(ifindex) ?? name }));
  const held = new Set(here.map(({ ifindex }) => ifindex));
  const { names, skipped, waiting } = choose(wanted, links, held);
  const attached = here.map(({ now }) => now);
  const zoned = here.filter(({ ifindex }) => zones.includes(ifindex, 1)).map(({ now }) => now);
  const exact = exactOf(wanted);
  const isForgotten = ({ name }: Pinned): boolean =>
    !exact.includes(name) && isMeant(wanted, name) && !links.some((link) => link.name === name);
  const missing = names.filter((name) => !zoned.includes(name));
  const attach = withRoom(missing, attached, exact);
  return {
    letGo: strangers.map(({ name }) => name),
    rename: inOrder(here.filter(({ name, now }) => name !== now).map(({ name, now }) => ({ from: name, to: now }))),
    forget: gone.filter(isForgotten).map(({ name }) => name),
    attach,
    excess: missing.filter((name) => !attach.includes(name)),
    attached,
    skipped,
    waiting,
  };
}

/**
 * The name that the device of a pin has here; undefined where it is in another network namespace, in which its number may be
 * that of another one here (kernel-facts: netdev-moved).
 */
function whereabouts(pin: Pinned, pins: readonly Pinned[], nameOf: ReadonlyMap<number, string>): string | undefined {
  const now = nameOf.get(pin.ifindex);
  const isOfAnother = now !== pin.name && pins.some(({ name, ifindex }) => name === now && ifindex === pin.ifindex);
  return isOfAnother ? undefined : now;
}

/** Those that have room: what is named as it is comes first, be it there or not yet. */
function withRoom(
  missing: readonly string[],
  attached: readonly string[],
  exact: readonly string[],
): readonly string[] {
  const isNew = (name: string): boolean => !attached.includes(name);
  const reserved = [...attached, ...exact.filter(isNew)].slice(0, MOST);
  const others = missing.filter((name) => isNew(name) && !exact.includes(name)).slice(0, MOST - reserved.length);
  return missing.filter((name) => reserved.includes(name) || others.includes(name));
}

type Renaming = Steps['rename'][number];

/** Nothing takes a name that another is still to give up. Of those that swap, one steps aside: no interface has such a name. */
function inOrder(renamings: readonly Renaming[]): readonly Renaming[] {
  const [next] = renamings.filter(({ to }) => !renamings.some(({ from }) => from === to));
  if (next !== undefined) return [next, ...inOrder(renamings.filter((one) => one !== next))];
  const [first, ...rest] = renamings;
  if (first === undefined) return [];
  const aside = `~${first.from}`;
  return [{ from: first.from, to: aside }, ...inOrder([...rest, { from: aside, to: first.to }])];
}
