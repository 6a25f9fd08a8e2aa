import { type Action, readAction } from './action.ts';
import { readHost } from './host.ts';
import { readName } from './intent.ts';
import { list, object, oneOf, optional, pattern, type Reader, readKey } from './read.ts';

/**
 * Where packets go: `to` is an action, as redirects have it, and `pass` on to where they were sent. `by` is the redirect that
 * has them; absent where none has.
 */
export interface Way {
  readonly to: Action;
  readonly by?: string;
}

/**
 * What of a change is to be seen at once: packets that were not dropped would be; a redirect would go and none take its
 * packets; or all that is sent to an address would go elsewhere, so that nothing is left there.
 */
export const MARKS = ['drop', 'gone', 'takes-all'] as const;
export type Mark = (typeof MARKS)[number];

/**
 * What would become of a redirect that the request does not name. Of its own key: another one would have it
 * (`shadowed`), or it would have what another one had (`wins`). Of a key of the request, whose packets it matches too: they
 * would no longer come to it (`loses`), or come to it (`gets`).
 */
export const COLLATERAL = ['shadowed', 'wins', 'loses', 'gets'] as const;

export interface Collateral {
  readonly name: string;
  readonly effect: (typeof COLLATERAL)[number];
  /** The redirect to which, or from which, the packets go. */
  readonly by: string;
  readonly key: string;
}

/** A packet that redirects would send round, from host to host by their names, and back to the first. */
export interface PlanLoop {
  /** The redirect of the request that is part of it. */
  readonly name: string;
  /** As the key of a match that fixes all of it. */
  readonly packet: string;
  readonly hosts: readonly string[];
  readonly names: readonly string[];
}

/** Writes which packet would go round, and how. */
export function loopText({ packet, hosts, names }: Omit<PlanLoop, 'name'>): string {
  const steps = hosts.map((host, at) => `${host} by ${names[at]}`).join(', to ');
  return `packets would go round: ${packet} from ${steps}, and back to ${hosts[0]}`;
}

/** The most loops that a plan has, and the most hosts of one. */
export const MAX_LOOPS = 16;
const MAX_STEPS = 64;

export const readLoop: Reader<PlanLoop> = object<PlanLoop>(
  { name: readName, packet: readKey, hosts: list(readHost, MAX_STEPS), names: list(readName, MAX_STEPS) },
  'ignored',
);

export const readWay: Reader<Way> = object<Way>({ to: readAction, by: optional(readName) }, 'ignored');

/** A newer controller may mark what this version does not know. */
export const readMarks: Reader<readonly string[]> = list(pattern(/^[a-z][a-z-]{0,31}$/, 'a mark'), 16);

export const collateralFields = { name: readName, effect: oneOf(...COLLATERAL), by: readName, key: readKey };
