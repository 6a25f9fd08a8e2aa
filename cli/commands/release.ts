import { encodeAskRequest } from '../../protocol/ask.ts';
import { parseReleaseReply, type ReleaseReply } from '../../protocol/release.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { countText } from '../show/format.ts';

export const release = command({
  synopsis: '[--host HOST]',
  about: `Has a host carry out what its brake withholds: changes that would remove, or send elsewhere, so many redirects at once that it
took them for a mistake (BRAKE). Look at them first: shunt status --host HOST names them, shunt explain --host HOST NAME says
what would become of one. Was it a mistake? Then apply again what was taken away: nothing is withheld any more, and no packet went
another way. The exit status is 3 if the host could not do it yet.`,
  examples: ['shunt release --host edge-7'],
  options: ['host', ...BUS_OPTIONS],
  async run({ options, terminal }) {
    await using bus = await Bus.open(options);
    const reply = await bus.ask(options.host, 'release', encodeAskRequest({ v: 1 }), parseReleaseReply);
    if (options.output === 'json') terminal.print(JSON.stringify(reply));
    else terminal.print(sentence(reply));
    return reply.code === undefined ? EXIT.done : EXIT.unfinished;
  },
});

function sentence({ host, released, code, message = '' }: ReleaseReply): string {
  if (code !== undefined) return `${host}: still withholds what it withheld: ${code}: ${message}`;
  return released === 0 ? `${host}: withheld nothing` : `${host}: let go ${countText(released, 'change')}`;
}
