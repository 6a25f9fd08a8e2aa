import { isObject } from '../../protocol/json.ts';
import type { GetItem } from '../../protocol/listings.ts';
import type { Bus } from '../client.ts';
import { someText } from '../show/format.ts';
import { standText } from '../show/live.ts';
import { notSentTexts } from '../show/not-sent.ts';
import { againText } from '../show/silence.ts';
import { findRedirects } from './find-redirects.ts';
import type { Prepared } from './prepare.ts';

/**
 * Says which redirects of an apply stand on no host, because another one with the same match wins on every one, which are
 * not sent to hosts that they are for, which of these hosts are held, and on which it is idle.
 */
export async function shortfallTexts(specs: readonly Prepared[], bus: Pick<Bus, 'api'>): Promise<readonly string[]> {
  const items = await findRedirects(namesOf(specs), bus);
  const each = items.flatMap((item) => [...loserText(item), ...notSentTexts(item), ...idleText(item)]);
  return [...each, ...heldTexts(items)];
}

/** Says which of them are idle, once hosts have them. */
export async function idleTexts(specs: readonly Prepared[], bus: Pick<Bus, 'api'>): Promise<readonly string[]> {
  const giving = specs.filter(({ json }) => json.idle !== undefined);
  return (await findRedirects(namesOf(giving), bus)).flatMap(idleText);
}

function namesOf(specs: readonly Prepared[]): readonly string[] {
  return specs.map(({ name }) => name);
}

function loserText({ spec, hostsTotal, shadowed, shadowedTotal }: GetItem): readonly string[] {
  if (hostsTotal > 0 || shadowedTotal === 0) return [];
  const winners = [...new Set(shadowed.map(({ by }) => by))];
  const where = shadowedTotal === 1 ? `on ${shadowed[0]?.host}` : `on all ${shadowedTotal} hosts`;
  return [
    `${spec.name} stands nowhere: ${winners.slice(0, 3).join(', ')} has the same match and wins ${where}; give one of them another priority`,
  ];
}

function idleText({ spec, live }: GetItem): readonly string[] {
  const name = String(spec.name);
  const rearm = isObject(spec.idle) && spec.idle.rearm === 'never' ? 'never' : 'revision';
  const idle = live?.states.filter(({ state }) => state === 'idle') ?? [];
  return idle.map(({ hosts, total }) => {
    return `${name} is idle on ${someText(hosts, total)}, and does not stand there: ${againText({ name, idle: { rearm } })}`;
  });
}

/** A line for each reason why some of their hosts are held; of one redirect the first of them are named, and all are counted. */
function heldTexts(items: readonly GetItem[]): readonly string[] {
  const held = items.flatMap(({ live }) => live?.states.filter(({ state }) => state === 'held') ?? []);
  return [...Map.groupBy(held, standText)].map(([how, groups]) => {
    const hosts = [...new Set(groups.flatMap((group) => group.hosts))];
    const total = Math.max(hosts.length, ...groups.map((group) => group.total));
    return `${how} on ${someText(hosts, total)}: what is new waits there until that ends; see shunt hosts`;
  });
}
