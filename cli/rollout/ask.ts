import type { ApiError, ApiVerb } from '../../protocol/api.ts';
import { show } from '../../protocol/read.ts';
import { type RolloutHead, readRolloutId } from '../../protocol/rollout.ts';
import { parseRolloutReply, type RolloutReply } from '../../protocol/rollout-acts.ts';
import {
  encodeRolloutStatusRequest,
  parseRolloutStatusReply,
  type RolloutStatusReply,
} from '../../protocol/rollout-status.ts';
import type { Bus } from '../client.ts';
import { EXIT, Failure, usage } from '../line/failure.ts';
import { orElse } from '../line/refusal.ts';
import { shortChange } from '../show/change-state.ts';
import { standingText } from './words.ts';

type Verb = Extract<ApiVerb, `rollout-${string}`>;

export const OLDER = 'the controller is of an older release, and knows no rollouts: upgrade it';

/** The id of a rollout or its beginning, as an operand. Errors: Failure USAGE. */
export function requireRollout(id: string): string {
  return orElse(
    () => readRolloutId(id, ''),
    () => usage(`ID: ${show(id)} is no id of a rollout; see shunt rollout list`),
  );
}

/** What a controller refused to do with a rollout, and what to do then. */
export function refusalOf(verb: Verb): (error: ApiError['error']) => Failure {
  return ({ code, message }) => {
    const text = code === 'UNKNOWN_VERB' ? OLDER : `the controller refused ${verb.replace('-', ' ')}: ${message}`;
    return new Failure(EXIT.refused, code, text);
  };
}

/** How it stands. `given`: how much of what happened, and after which of it. Errors: Failure. */
export function askStatus(
  bus: Pick<Bus, 'api'>,
  id: string,
  given: { readonly evidence?: number; readonly after?: number } = {},
): Promise<RolloutStatusReply> {
  const verb = 'rollout-status';
  const request = encodeRolloutStatusRequest({ v: 1, id, ...given });
  return bus.api(verb, request, parseRolloutStatusReply, { refuse: refusalOf(verb) });
}

/** Asks that something is done with it. Errors: Failure. */
export async function askAct(bus: Pick<Bus, 'api'>, verb: Verb, request: Uint8Array): Promise<Done> {
  const { v: _, ...reply } = await bus.api(verb, request, parseRolloutReply, { refuse: refusalOf(verb) });
  return reply;
}

export type Done = Omit<RolloutReply, 'v'>;

/** Writes what came of it: `rollout 5c1d9e20: PAUSED, wave 2 of 4: SOAK`. */
export function actText({ rollout, already }: Pick<Done, 'rollout' | 'already'>): string {
  return `${nameText(rollout)}: ${standingText(rollout)}${already ? ' already' : ''}`;
}

export function nameText({ id }: Pick<RolloutHead, 'id'>): string {
  return `rollout ${shortChange(id)}`;
}
