import { encodeRolloutPauseRequest } from '../../protocol/rollout-acts.ts';
import { reasonedAct } from '../rollout/act.ts';

export const rolloutPause = reasonedAct('rollout-pause', encodeRolloutPauseRequest, {
  about: `Holds a rollout: nothing is published and no soak counts until it is resumed. Gates are judged on, and where one fails it is taken
back all the same.`,
  examples: ["shunt rollout pause 5c1d --reason 'the switch is rebooted'"],
});
