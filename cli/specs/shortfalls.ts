import { isObject } from '../../protocol/json.ts';
import { encodeGetRequest, type GetItem, parseGetReply } from '../../protocol/listings.ts';
import type { Bus } from '../client.ts';
import { Failure } from '../line/failure.ts';
import { someText } from '../show/format.ts';
import { standText } from '../show/live.ts';
import { notSentTexts } from '../show/not-sent.ts';
import { againText } from '../show/silence.ts';
import type { Prepared } from './prepare.ts';

/** Of a longer upload nobody asks for each redirect; `shunt plan` and `shunt get` have all of them. */
const MAX_ASKED = 100;

/**
 * Says which redirects of an apply stand on no host, because another one with the same match wins on every one, which are
 * not sent to hosts that they are for, which of these hosts are held, and on which it is idle.
 */
export async function shortfallTexts(specs: readonly Prepared[], bus: Pick<Bus, 'api'>): Promise<readonly string[]> {
  const items = await findAll(specs, bus);
  const each = items.flatMap((item) => [...loserText(item), ...notSentTexts(item), ...idleText(item)]);
  return [...each, ...heldTexts(items)];
}

/** Says which of them are idle, once hosts have them. */
export async function idleTexts(specs: readonly Prepared[], bus: Pick<Bus, 'api'>): Promise<readonly string[]> {
  const giving = specs.filter(({ json }) => json.idle !== undefined);
  return (await findAll(giving, bus)).flatMap(idleText);
}

async function findAll(specs: readonly Prepared[], bus: Pick<Bus, 'api'>): Promise<readonly GetItem[]> {
  if (specs.length > MAX_ASKED) return [];
  try {
    const found = await Promise.all(specs.map(({ name }) => find(name, bus)));
    return found.filter((item) => item !== undefined);
  } catch (error) {
    if (error instanceof Failure) return []; // what was asked for is done, and who may apply may not be allowed to look
    throw error;
  }
}

async function find(name: string, bus: Pick<Bus, 'api'>): Promise<GetItem | undefined> {
  return (await bus.api('get', encodeGetRequest({ v: 1, name }), parseGetReply)).items[0];
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
