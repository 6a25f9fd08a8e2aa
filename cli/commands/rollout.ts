import { command } from '../line/command.ts';
import { usage } from '../line/failure.ts';

export const rollout = command({
  synopsis: 'COMMAND',
  about: `Changes redirects in waves of hosts, judged by what packets do. Each wave gets the change, says that it stands, and soaks while
gates look at it beside the hosts that have not got it yet; the next wave begins only when all of them pass. Where one fails, or a
host takes the change back because it is cut off, it goes back everywhere by itself.

States: RUNNING (steps PUBLISH, CONVERGE and SOAK of a wave, then PROMOTE), PAUSED, ROLLING_BACK; and ended: DONE, ROLLED_BACK.
ID is what start printed, or as much of it as no other one begins with.`,
  examples: ["shunt rollout start -f drain.yaml --gate 'losses<=0.1%' --wait", 'shunt rollout watch 5c1d'],
  options: [],
  async run() {
    throw usage('say what: start, list, status ID, watch ID, …; see shunt rollout --help');
  },
});
