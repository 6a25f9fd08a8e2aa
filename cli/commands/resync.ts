import { encodeAskRequest } from '../../protocol/ask.ts';
import { parseResyncReply, type ResyncReply } from '../../protocol/resync.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';

export const resync = command({
  synopsis: '[--host HOST]',
  about: `Has a host give up its history and take its whole set anew from the controller: the way out where it holds what it has
(HISTORY_LOST, FOREIGN_EPOCH). Nothing is touched before all of it is there; what is in both stands on, and packets with it.
What the controller does not have goes then: look at shunt plan and shunt dump before. What was given up in silence
stays so. The exit status is 3 if the host could not do it yet.`,
  examples: ['shunt resync --host edge-7'],
  options: ['host', ...BUS_OPTIONS],
  async run({ options, terminal }) {
    await using bus = await Bus.open(options);
    const reply = await bus.ask(options.host, 'resync', encodeAskRequest({ v: 1 }), parseResyncReply);
    if (options.output === 'json') terminal.print(JSON.stringify(reply));
    else terminal.print(sentence(reply));
    return reply.code === undefined ? EXIT.done : EXIT.unfinished;
  },
});

function sentence({ host, stored, code, message = '' }: ResyncReply): string {
  if (code === undefined) return `${host}: took the whole set anew, up to revision ${stored}`;
  return `${host}: keeps what it has, revision ${stored}, for now: ${code}: ${message}`;
}
