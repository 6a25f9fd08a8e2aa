import { encodeDeleteRequest, parseDeleteReply } from '../protocol/api.ts';
import { readName } from '../protocol/intent.ts';
import { Bus } from './bus.ts';
import { command } from './command.ts';
import { EXIT, Failure, usage } from './failure.ts';
import { BUS_OPTIONS } from './options.ts';
import { orElse } from './refusal.ts';

export const remove = command({
  synopsis: 'NAME...',
  about: 'Deletes redirects by name. What is not there is already deleted: that is success too.',
  examples: ['shunt delete drain-web-2'],
  options: BUS_OPTIONS,
  operands: { placeholder: 'NAME', min: 1, max: Number.POSITIVE_INFINITY },
  async run({ options, operands, terminal }) {
    const names = [...new Set(operands)].map(requireName);
    const request = orElse(
      () => encodeDeleteRequest({ v: 1, names }),
      ({ code, message }) =>
        new Failure(
          EXIT.refused,
          code,
          `${names.length} names are too many for one request (${message}); name fewer at once`,
        ),
    );
    await using bus = await Bus.open(options);
    const { deleted, absent, hosts, rev } = await bus.api('delete', request, parseDeleteReply);
    if (options.output === 'json') terminal.print(JSON.stringify({ deleted, absent, hosts, rev }));
    else for (const name of names) terminal.print(`${name}: ${deleted.includes(name) ? 'deleted' : 'already absent'}`);
    return EXIT.done;
  },
});

function requireName(name: string): string {
  return orElse(
    () => readName(name, ''),
    ({ message }) => usage(`NAME: ${message}`),
  );
}
