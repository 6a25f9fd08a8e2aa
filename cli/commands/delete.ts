import { encodeDeleteRequest, parseDeleteReply } from '../../protocol/api.ts';
import { readName } from '../../protocol/intent.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT, usage } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { orElse } from '../line/refusal.ts';

/** A request is one transaction of the controller; a longer list takes several. */
const NAMES_AT_ONCE = 5_000;

export const remove = command({
  synopsis: 'NAME...',
  about: 'Deletes redirects by name. What is not there is already deleted: that is success too.',
  examples: ['shunt delete drain-web-2'],
  options: BUS_OPTIONS,
  operands: { placeholder: 'NAME', min: 1, max: Number.POSITIVE_INFINITY },
  async run({ options, operands, terminal }) {
    const names = [...new Set(operands)].map(requireName);
    await using bus = await Bus.open(options);
    const done = { deleted: [] as string[], absent: [] as string[], hosts: 0, rev: 0 };
    for (let from = 0; from < names.length; from += NAMES_AT_ONCE) {
      const request = encodeDeleteRequest({ v: 1, names: names.slice(from, from + NAMES_AT_ONCE) });
      const { deleted, absent, hosts, rev } = await bus.api('delete', request, parseDeleteReply);
      done.deleted.push(...deleted);
      done.absent.push(...absent);
      done.hosts = Math.max(done.hosts, hosts);
      done.rev = rev;
    }
    if (options.output === 'json') terminal.print(JSON.stringify(done));
    else terminal.print(listed(names, new Set(done.deleted)));
    return EXIT.done;
  },
});

function listed(names: readonly string[], deleted: ReadonlySet<string>): string {
  return names.map((name) => `${name}: ${deleted.has(name) ? 'deleted' : 'already absent'}`).join('\n');
}

function requireName(name: string): string {
  return orElse(
    () => readName(name, ''),
    ({ message }) => usage(`NAME: ${message}`),
  );
}
