import { isDone } from '../../protocol/change-state.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { requireChange } from '../line/name.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { changeText } from '../show/change-state.ts';
import { toldOf, WAIT_MS, waitFor } from '../waiting.ts';

/** An answer is not waited for longer than this; the change may be. */
const ANSWER_MS = 5000;

export const wait = command({
  synopsis: 'CHANGE [--level LEVEL] [--timeout TIME]',
  about: `Waits until every host that a change concerns says that it has it: stored, applied, or verified, which is read back from
the kernel. CHANGE is what apply or delete printed, or its beginning. It ends when all are done, and after --timeout (without
it, after a minute); then it names the hosts that are not, and why: failed, stale (heard, and not there yet) or unreachable
(silent, ended or never heard). The exit status is 0 only if all are done, and 3 if not.`,
  examples: ['shunt wait 7f3a01bc', 'shunt wait 7f3a01bc --level stored --timeout 5m'],
  options: ['level', ...BUS_OPTIONS],
  helps: { timeout: 'how long to wait for the hosts (default: 1m)' },
  operands: { placeholder: 'CHANGE', min: 1, max: 1 },
  async run({ options, operands: [given = ''], written, terminal }) {
    const change = requireChange(given);
    const withinMs = written.has('timeout') ? options.timeout : WAIT_MS;
    await using bus = await Bus.open({ ...options, timeout: Math.min(options.timeout, ANSWER_MS) });
    const waited = await waitFor(change, { level: options.level, withinMs }, bus, terminal);
    const text = options.output === 'json' ? JSON.stringify(toldOf(waited)) : changeText(waited, terminal);
    terminal.print(text);
    return isDone(waited.state) ? EXIT.done : EXIT.unfinished;
  },
});
