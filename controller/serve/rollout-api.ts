import type { Log } from '../../daemon/log.ts';
import type { ApiVerb } from '../../protocol/api.ts';
import { type Origin, parseOrigin } from '../../protocol/origin.ts';
import {
  encodeRolloutReply,
  parseRolloutAbortRequest,
  parseRolloutExcludeRequest,
  parseRolloutPauseRequest,
  parseRolloutResumeRequest,
  parseRolloutRollbackRequest,
  parseRolloutVerdictRequest,
  type RolloutReply,
} from '../../protocol/rollout-acts.ts';
import { encodeRolloutListReply, parseRolloutListRequest } from '../../protocol/rollout-list.ts';
import { encodeRolloutStartReply, parseRolloutStartRequest } from '../../protocol/rollout-start.ts';
import { encodeRolloutStatusReply, parseRolloutStatusRequest } from '../../protocol/rollout-status.ts';
import type { Desk, Hear, Rollouts } from '../ports.ts';

type RolloutVerb = Extract<ApiVerb, `rollout-${string}`>;

export function isRolloutVerb(verb: ApiVerb): verb is RolloutVerb {
  return verb.startsWith('rollout-');
}

interface RolloutApiParts {
  readonly desk: Pick<Desk, 'stage'>;
  readonly rollouts: Rollouts;
  readonly log: Log;
  /** Something was asked of a rollout. */
  readonly onChange: () => void;
}

interface Asked {
  readonly hear: Hear;
  /** As the header has it. */
  readonly origin: string;
  readonly budgetBytes: number;
}

/** Answers operators about rollouts. Errors: Declined, Refused. */
export class RolloutApi {
  readonly #parts: RolloutApiParts;

  constructor(parts: RolloutApiParts) {
    this.#parts = parts;
  }

  async act(verb: RolloutVerb, data: Uint8Array, asked: Asked): Promise<Uint8Array> {
    const { rollouts } = this.#parts;
    switch (verb) {
      case 'rollout-start':
        return this.#start(data, asked);
      case 'rollout-list':
        return encodeRolloutListReply(await rollouts.list(parseRolloutListRequest(data), asked.budgetBytes));
      case 'rollout-status':
        return encodeRolloutStatusReply(await rollouts.status(parseRolloutStatusRequest(data), asked.budgetBytes));
      default:
        return this.#order(verb, data, parseOrigin(asked.origin));
    }
  }

  async #start(data: Uint8Array, { hear, origin }: Asked): Promise<Uint8Array> {
    const { desk, rollouts, log, onChange } = this.#parts;
    const request = parseRolloutStartRequest(data);
    const { v, upload, part } = request;
    if (part < request.parts - 1) {
      await desk.stage(request);
      return encodeRolloutStartReply({ v, upload, part });
    }
    const reply = await rollouts.start(request, hear, parseOrigin(origin));
    const { rollout, created, changed, deleted, hostsTotal } = reply;
    if (rollout !== undefined && reply.already !== true) {
      log.info({ rollout: rollout.id, created, changed, deleted, hosts: hostsTotal }, 'rollout begun');
      onChange();
    }
    return encodeRolloutStartReply(reply);
  }

  async #order(verb: OrderVerb, data: Uint8Array, origin: Origin): Promise<Uint8Array> {
    const { log, onChange } = this.#parts;
    const reply = await this.#obey(verb, data, origin);
    const { id, state } = reply.rollout;
    log.info(
      { verb, rollout: id, state, ...(origin.actor !== undefined && { actor: origin.actor }) },
      'rollout ordered',
    );
    onChange();
    return encodeRolloutReply(reply);
  }

  #obey(verb: OrderVerb, data: Uint8Array, origin: Origin): Promise<RolloutReply> {
    const { rollouts } = this.#parts;
    switch (verb) {
      case 'rollout-pause':
        return rollouts.pause(parseRolloutPauseRequest(data), origin);
      case 'rollout-resume':
        return rollouts.resume(parseRolloutResumeRequest(data), origin);
      case 'rollout-abort':
        return rollouts.abort(parseRolloutAbortRequest(data), origin);
      case 'rollout-rollback':
        return rollouts.rollback(parseRolloutRollbackRequest(data), origin);
      case 'rollout-exclude':
        return rollouts.exclude(parseRolloutExcludeRequest(data), origin);
      case 'rollout-verdict':
        return rollouts.verdict(parseRolloutVerdictRequest(data), origin);
    }
  }
}

type OrderVerb = Exclude<RolloutVerb, 'rollout-start' | 'rollout-list' | 'rollout-status'>;
