import { encodeGetRequest, type GetItem, parseGetReply } from '../../protocol/listings.ts';
import type { Bus } from '../client.ts';
import { Failure } from '../line/failure.ts';
import { notSentTexts } from '../show/not-sent.ts';
import type { Prepared } from './prepare.ts';

/** Of a longer upload nobody asks for each redirect; `shunt plan` and `shunt get` have all of them. */
const MAX_ASKED = 100;

/**
 * Says which redirects of an apply stand on no host, because another one with the same match wins on every one, and which
 * are not sent to hosts that they are for.
 */
export async function shortfallTexts(specs: readonly Prepared[], bus: Pick<Bus, 'api'>): Promise<readonly string[]> {
  if (specs.length > MAX_ASKED) return [];
  try {
    const found = await Promise.all(specs.map(({ name }) => find(name, bus)));
    return found.flatMap((item) => (item === undefined ? [] : [...loserText(item), ...notSentTexts(item)]));
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
