import type { RolloutStatusReply } from '../../protocol/rollout-status.ts';
import type { BusOptions } from '../client.ts';
import { EXIT, type Exit } from '../line/failure.ts';
import { stopSignal } from '../line/signals.ts';
import { shortChange } from '../show/change-state.ts';
import { fill, notice, type Terminal } from '../show/terminal.ts';
import { Source } from '../source.ts';
import { askStatus } from './ask.ts';
import { changeLines, follow } from './follow.ts';
import { watch } from './watch.ts';
import { adviceText, exitOf, summaryText } from './words.ts';

/** How much of what happened a screen has room for. */
const ON_SCREEN = 50;

/** Shows a rollout until it has ended, and says how. Errors: Failure. */
export async function toTheEnd(
  id: string,
  options: BusOptions & { readonly output: string },
  terminal: Terminal,
): Promise<Exit> {
  await using source = new Source(options);
  const json = options.output === 'json';
  const take = json ? undefined : terminal.screen;
  const first = await source.ask((bus) => askStatus(bus, id, { evidence: ON_SCREEN }));
  const whole = first.rollout.id;
  const signal = stopSignal();
  const status = await (take === undefined ? inLines() : onScreen(take));
  if (!json) {
    terminal.print(fill(summaryText(status), terminal.width ?? Number.POSITIVE_INFINITY).join('\n'));
    if (exitOf(status.rollout.state) === EXIT.unfinished) notice(terminal, goodbyeText(status));
  }
  return exitOf(status.rollout.state);

  async function onScreen(taking: NonNullable<Terminal['screen']>): Promise<RolloutStatusReply> {
    using screen = taking();
    const look = () => source.ask((bus) => askStatus(bus, whole, { evidence: ON_SCREEN }));
    return await watch(screen, look, { status: first, colour: terminal.colour }, signal);
  }

  function inLines(): Promise<RolloutStatusReply> {
    let before: RolloutStatusReply | undefined;
    const tell = (now: RolloutStatusReply): void => {
      const { v: _, ...told } = now;
      const lines = json ? [JSON.stringify(told)] : changeLines(before, now, terminal.colour);
      if (lines.length > 0) terminal.print(lines.join('\n'));
      before = now;
    };
    const look = (after: number | undefined) =>
      source.ask((bus) => askStatus(bus, whole, after === undefined ? {} : { after }));
    return follow(first, look, tell, terminal, signal);
  }
}

/** Who leaves is told that nothing was aborted by that. */
function goodbyeText({ rollout }: RolloutStatusReply): string {
  const goes =
    rollout.state === 'PAUSED' ? 'it stays paused' : `rollout ${shortChange(rollout.id)} goes on, nothing was aborted`;
  return `${goes}; ${adviceText(rollout) ?? `shunt rollout watch ${shortChange(rollout.id)} shows it`}`;
}
