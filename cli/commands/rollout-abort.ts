import { encodeRolloutAbortRequest } from '../../protocol/rollout-acts.ts';
import { reasonedAct } from '../rollout/act.ts';

export const rolloutAbort = reasonedAct('rollout-abort', encodeRolloutAbortRequest, {
  about: `Takes a rollout back from all hosts that have it, whatever it is at; hosts that are silent take it back when they return. What has
ended is undone with shunt rollout rollback.`,
  examples: ["shunt rollout abort 5c1d --reason 'the wrong file'"],
});
