import { encodeDeleteRequest, type Near, parseDeleteReply } from '../../protocol/api.ts';
import { listBudgetBytes } from '../../protocol/json.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { requireName } from '../line/name.ts';
import { BUS_OPTIONS, TERM_OPTIONS } from '../line/options.ts';
import { termsOf } from '../line/terms.ts';
import { nearText, workText } from '../show/format.ts';
import { notice } from '../show/terminal.ts';

/** What other tools take before names, or for all of them. */
const NO_NAMES = ['all', 'redirect', 'redirects', 'rule', 'rules', 'route', 'routes'];
/** A request is one transaction of the controller; a longer list takes several. */
const NAMES_AT_ONCE = 5_000;
/** A name takes no more: 63 characters, quotes and a comma. */
const NAME_BYTES = 66;

export const remove = command({
  synopsis: 'NAME... [--reason TEXT]',
  about: `Deletes redirects by name. What is not there is already deleted: that is success too. What would take more than a fifth
of its redirects from a host (and more than 5) is refused unless --allow-shrink is there, with --reason.`,
  examples: ['shunt delete drain-web-2'],
  options: [...TERM_OPTIONS, ...BUS_OPTIONS],
  operands: { placeholder: 'NAME', min: 1, max: Number.POSITIVE_INFINITY },
  async run({ options, operands, terminal }) {
    const names = [...new Set(operands)].map(requireName);
    const terms = termsOf(options);
    await using bus = await Bus.open(options);
    const done = { deleted: [] as string[], absent: [] as string[], hosts: 0, rev: 0 };
    const nears: Near[] = [];
    for (const some of split(names, listBudgetBytes(bus.maxPayloadBytes))) {
      const request = encodeDeleteRequest({ v: 1, names: some, ...terms });
      const hear = (done: number): void => terminal.progress(workText(done, 'redirects on hosts'));
      const { deleted, absent, hosts, rev, near = [] } = await bus.api('delete', request, parseDeleteReply, { hear });
      terminal.progress('');
      done.deleted.push(...deleted);
      done.absent.push(...absent);
      nears.push(...near);
      done.hosts = Math.max(done.hosts, hosts);
      done.rev = rev;
    }
    if (options.output === 'json')
      terminal.print(JSON.stringify({ ...done, ...(nears.length > 0 && { near: nears }) }));
    else terminal.print(listed(names, new Set(done.deleted), nears));
    const words = done.absent.filter((name) => NO_NAMES.includes(name));
    if (words.length > 0)
      notice(terminal, `${words.join(', ')}: taken for a name; shunt delete takes names alone, see shunt get`);
    return EXIT.done;
  },
});

/** In pieces that fit a message, and as many names as are deleted at once. */
function* split(names: readonly string[], budgetBytes: number): Generator<readonly string[]> {
  const most = Math.min(NAMES_AT_ONCE, Math.floor(budgetBytes / NAME_BYTES));
  for (let from = 0; from < names.length; from += most) yield names.slice(from, from + most);
}

function listed(names: readonly string[], deleted: ReadonlySet<string>, nears: readonly Near[]): string {
  return names
    .map((name) => `${name}: ${deleted.has(name) ? 'deleted' : `already absent${nearText(name, nears)}`}`)
    .join('\n');
}
