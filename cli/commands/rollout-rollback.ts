import { encodeRolloutRollbackRequest } from '../../protocol/rollout-acts.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { actText, askAct, type Done, nameText, requireRollout } from '../rollout/ask.ts';
import { shortChange } from '../show/change-state.ts';
import { someText } from '../show/format.ts';
import { notice } from '../show/terminal.ts';

export const rolloutRollback = command({
  synopsis: 'ID [--force] [--reason TEXT]',
  about: `Undoes a rollout that is DONE: all that it changed is as it was before, at once and on all hosts. Where redirects of it were
changed since, that is refused; with --force they are overwritten, and named. One that has not ended is taken back with
shunt rollout abort.`,
  examples: ["shunt rollout rollback 5c1d --reason 'B has to have its packets back'"],
  options: ['force', 'reason', ...BUS_OPTIONS],
  helps: { force: 'also over what was changed since' },
  operands: { placeholder: 'ID', min: 1, max: 1, asks: 'rollouts' },
  async run({ options, operands: [given = ''], terminal }) {
    const id = requireRollout(given);
    const { force, reason } = options;
    await using bus = await Bus.open(options);
    const terms = { ...(force && { force: true as const }), ...(reason !== undefined && { reason }) };
    const request = encodeRolloutRollbackRequest({ v: 1, id, ...terms });
    const reply = await askAct(bus, 'rollout-rollback', request);
    const { overwritten = [], overwrittenTotal = 0 } = reply;
    if (overwrittenTotal > 0)
      notice(terminal, `changed since, and overwritten now: ${someText(overwritten, overwrittenTotal)}`);
    terminal.print(options.output === 'json' ? JSON.stringify(reply) : undoneText(reply));
    return EXIT.done;
  },
});

function undoneText(reply: Done): string {
  const { rollout, already } = reply;
  if (already) return `${nameText(rollout)}: nothing to undo, for all that it changed is as it was before`;
  return `${actText(reply)}${rollout.of === undefined ? '' : `, undoes ${shortChange(rollout.of)}`}`;
}
