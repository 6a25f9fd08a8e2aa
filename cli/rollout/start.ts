import { bytesOf } from '../../protocol/json.ts';
import {
  encodeRolloutStartRequest,
  parseRolloutStartReply,
  type RolloutStartReply,
  type RolloutStartRequest,
  type RolloutTerms,
} from '../../protocol/rollout-start.ts';
import { usage } from '../line/failure.ts';
import type { OptionName, Options } from '../line/options.ts';
import type { Purpose } from '../specs/upload.ts';
import { OLDER } from './ask.ts';

/** How a rollout goes. */
export const ROLLOUT_OPTIONS = [
  'waves',
  'soak',
  'gate',
  'spread',
  'max-unreachable',
  'on-fail',
  'now',
  'again',
  'accept-collateral',
  'no-traffic-ok',
  'confirm',
] as const satisfies readonly OptionName[];

/** What a request says of how it goes. Errors: Failure USAGE. */
export function rolloutTerms(options: Options<(typeof ROLLOUT_OPTIONS)[number] | 'reason'>): RolloutTerms {
  const { waves, soak, gate, spread, now, again, confirm, reason } = options;
  if (now && reason === undefined) throw usage('--now needs --reason TEXT: it is kept with the rollout');
  if (now && (waves ?? soak) !== undefined)
    throw usage('--now is one wave and no soak: leave out --waves and --soak, or --now');
  const { 'max-unreachable': unreachable, 'on-fail': onFail } = options;
  return {
    ...(waves !== undefined && { waves }),
    ...(soak !== undefined && { soakMs: soak }),
    ...(gate.length > 0 && { gates: gate }),
    ...(spread !== undefined && { spread }),
    ...(unreachable !== undefined && { maxUnreachable: unreachable }),
    ...(onFail !== undefined && { onFail }),
    ...(now && { now: true }),
    ...(again && { again: true }),
    ...(options['accept-collateral'] && { acceptCollateral: true }),
    ...(options['no-traffic-ok'] && { noTrafficOk: true }),
    ...(confirm !== undefined && { withinMs: confirm }),
  };
}

/**
 * A rollout and the files that it is from; how it goes stands in the last part. Which hosts come first follows from the id: a dry run
 * says what the rollout of the same id will do.
 */
export function startOn(
  last: Omit<RolloutStartRequest, 'v' | 'upload' | 'part' | 'parts' | 'specs'>,
  files: readonly string[],
  id: string,
): Purpose<RolloutStartReply> {
  return {
    files,
    id,
    verb: 'rollout-start',
    encode: (part) => encodeRolloutStartRequest({ ...part, ...(part.part === part.parts - 1 && last) }),
    parse: parseRolloutStartReply,
    lastBytes: bytesOf(last),
    advise: (code) => (code === 'UNKNOWN_VERB' ? `; ${OLDER}` : ''),
  };
}
