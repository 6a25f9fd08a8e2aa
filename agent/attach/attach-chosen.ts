import type { Native, NetLink } from '../../native/index.ts';
import { observeLinks } from '../kernel/netdevs.ts';
import { type PinPaths, pinPaths } from '../kernel/pins.ts';
import { type AttachOptions, type AttachReport, attach } from './attach.ts';
import { AttachError } from './attach-error.ts';
import { requireRoot } from './check.ts';
import { type Chosen, choose, exactOf, requireRoom, type Skipped, type Wanted } from './chosen.ts';
import { planInterface } from './loader.ts';
import { type Prospect, prospect } from './prospect.ts';
import { findStanding } from './standing.ts';
import { pinnedLinks } from './zones.ts';

export interface ChosenOptions extends Omit<AttachOptions, 'interfaces'> {
  readonly wanted: Wanted;
}

export interface ChosenReport extends AttachReport {
  /** What patterns mean, and was left alone. */
  readonly skipped: readonly Skipped[];
  /** Names and patterns for which nothing is there. */
  readonly waiting: readonly string[];
}

export interface ChosenProspect extends Prospect, Pick<ChosenReport, 'skipped'> {}

/**
 * Attaches to what is meant and there now; what is not there yet is an error, unless somebody `waits` for it. What only a
 * pattern means and cannot be attached to is left alone. Errors: AttachError, KernelError; then nothing was changed.
 */
export function attachChosen(native: Native, options: ChosenOptions, waits = false): ChosenReport {
  const { interfaces, ...others } = meantNow(native, options, waits);
  return { ...attach(native, { ...options, interfaces }), ...others };
}

/** What it would do. Errors: the same; nothing is changed. */
export function prospectChosen(native: Native, options: ChosenOptions): ChosenProspect {
  const { interfaces, skipped } = meantNow(native, options, false);
  return { ...prospect(native, { ...options, interfaces }), skipped };
}

interface Meant extends Pick<ChosenReport, 'skipped' | 'waiting'> {
  readonly interfaces: readonly string[];
}

function meantNow(native: Native, { wanted, ...options }: ChosenOptions, waits: boolean): Meant {
  requireRoot('attach', 'loads a program into the kernel');
  const exact = exactOf(wanted);
  if (!waits && exact.length === wanted.interfaces.length && !wanted.allEthernet) {
    requireRoom(exact, []);
    return { interfaces: exact, skipped: [], waiting: [] };
  }
  const paths = findStanding(native, options.pinRoot)?.paths ?? pinPaths(options.pinRoot);
  const links = observeLinks(native);
  const here = pinnedLinks(native, paths).filter(({ ifindex }) => links.some((link) => link.ifindex === ifindex));
  const chosen = choose(wanted, links, new Set(here.map(({ ifindex }) => ifindex)));
  if (!waits) requireMeant(chosen, exact, links);
  const others = chosen.names.filter((name) => !exact.includes(name));
  const refused = others.flatMap((name) => refusal(native, paths, links, name, options));
  const taken = others.filter((name) => !refused.some((one) => one.name === name));
  const named = waits ? exact.filter((name) => chosen.names.includes(name)) : exact;
  requireRoom(
    [...exact, ...taken],
    here.map(({ name }) => name),
  );
  return { interfaces: [...named, ...taken], skipped: [...chosen.skipped, ...refused], waiting: chosen.waiting };
}

/** Why an interface cannot be attached to, as far as that is seen before it is tried. */
function refusal(
  native: Native,
  paths: PinPaths,
  links: readonly NetLink[],
  name: string,
  { mode, acceptHiddenTags = false }: Omit<ChosenOptions, 'wanted'>,
): readonly Skipped[] {
  const link = links.find((it) => it.name === name);
  try {
    if (link !== undefined) planInterface(native, paths, links, link, { mode, acceptHiddenTags });
    return [];
  } catch (error) {
    if (error instanceof AttachError) return [{ name, why: error.message }];
    throw error;
  }
}

/** Of names, `attach` itself says that they are not there. */
function requireMeant({ waiting, skipped }: Chosen, exact: readonly string[], links: readonly NetLink[]): void {
  const idle = waiting.filter((one) => !exact.includes(one));
  if (idle.length === 0) return;
  const there = links.map(({ name }) => name).join(', ');
  const alone = skipped.map(({ name, why }) => `; ${name} is left alone: ${why}`).join('');
  throw new AttachError(
    `no interface that could be attached to is meant by ${idle.join(', ')} (there are: ${there})${alone}; ` +
      'nothing was attached; name another, or wait for it with --watch',
  );
}
