import type { GetItem } from '../../protocol/listings.ts';
import type { AnyLiveState, Live, LiveGroup } from '../../protocol/live.ts';
import { countText, someText, spanText } from './format.ts';
import type { Cell } from './table.ts';
import type { Tone } from './terminal.ts';

/** States whose code says all; of others it stands behind the word. */
const BY_CODE: ReadonlySet<AnyLiveState> = new Set(['undelivered', 'unattached', 'unsent', 'passed']);
const WORDS: Readonly<Record<string, string>> = {
  unattached: 'not attached',
  unsent: 'not sent',
  unheard: 'never heard',
  ended: 'agent ended',
};
const TONES: Readonly<Record<string, Tone>> = {
  installed: 'good',
  unconfirmed: 'warn',
  passed: 'warn',
  pending: 'warn',
  unsent: 'warn',
  shadowed: 'warn',
  expired: 'warn',
  idle: 'warn',
};
/** So many kinds of trouble are told with the names of hosts. */
const MAX_LINES = 12;

/** Writes how a redirect stands on some hosts: `blocked NO_NEIGHBOUR`, `shadowed by web`. */
export function standText({ state, code, by, leftMs }: Pick<LiveGroup, 'state' | 'code' | 'by' | 'leftMs'>): string {
  if (code !== undefined && BY_CODE.has(state)) return code;
  const word = (Object.hasOwn(WORDS, state) ? WORDS[state] : undefined) ?? state;
  const left = leftMs !== undefined && `(${spanText(leftMs)} left)`;
  return [word, code, by !== undefined && `by ${by}`, left].filter(Boolean).join(' ');
}

/** A state that only a newer controller has may be as bad as the worst. */
export function toneOfState(state: AnyLiveState): Tone {
  return (Object.hasOwn(TONES, state) ? TONES[state] : undefined) ?? 'bad';
}

/** On how many of the hosts that it is for a redirect is in force. A controller of an older release does not say. */
export function liveCell({ live, hostsTotal }: Pick<GetItem, 'live' | 'hostsTotal'>): Cell {
  if (live === undefined) return { text: `?/${hostsTotal}`, tone: 'warn' };
  const { hosts, total } = live;
  return { text: `${hosts}/${total}`, tone: hosts < total ? 'bad' : total > 0 ? 'good' : 'warn' };
}

/** Whether all hosts that a redirect is for have it in force, and there are any; one that is disabled is as it should be. */
export function isFull({ live, spec }: Pick<GetItem, 'live' | 'spec'>): boolean {
  if (spec.enabled === false) return true;
  return live !== undefined && live.total > 0 && live.hosts === live.total;
}

/** The worst of how it stands, and on how many hosts. */
export function stateCell({ live, spec }: Pick<GetItem, 'live' | 'spec'>): Cell {
  if (spec.enabled === false) return { text: 'disabled', tone: 'warn' };
  if (live === undefined) return { text: 'unknown', tone: 'warn' };
  const [worst] = live.states;
  if (worst === undefined) return { text: 'no host', tone: 'warn' };
  const text = standText(worst);
  if (worst.state === 'installed') return { text, tone: 'good' };
  return { text: `${text} on ${worst.total}`, tone: toneOfState(worst.state) };
}

/** A line for each way in which redirects are not in force as they should be: on which hosts, and which they are. */
export function standLines(items: readonly Pick<GetItem, 'live' | 'spec'>[]): readonly Cell[] {
  const found = items.flatMap(({ live, spec }) =>
    troublesOf(live).map((group) => ({ group, name: String(spec.name) })),
  );
  const alike = [...Map.groupBy(found, ({ group }) => standText(group)).values()];
  const lines = alike.slice(0, MAX_LINES).flatMap((all): Cell[] => {
    const [first] = all;
    if (first === undefined) return [];
    const hosts = [...new Set(all.flatMap(({ group }) => group.hosts))];
    const total = Math.max(hosts.length, ...all.map(({ group }) => group.total));
    const names = someText(all.map(({ name }) => name));
    const text = `${standText(first.group)} on ${someText(hosts, total)}: ${names}`;
    return [{ text, tone: toneOfState(first.group.state) }];
  });
  const more = alike.length - lines.length;
  return more > 0 ? [...lines, `… and ${countText(more, 'other kind')} of trouble; -o json has them`] : lines;
}

/** Of what is not sent there is a line with what its agent lacks. */
function troublesOf(live: Live | undefined): readonly LiveGroup[] {
  return live?.states.filter(({ state }) => state !== 'installed' && state !== 'unsent') ?? [];
}
