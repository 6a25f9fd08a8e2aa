import type { Near } from '../../protocol/api.ts';
import { chooseNames, requireOneWay } from '../choose.ts';
import { Bus } from '../client.ts';
import { awaitConfirmed, confirmTexts, exitOf, requireNoWait } from '../confirming.ts';
import { deleteNames } from '../delete-names.ts';
import { command } from '../line/command.ts';
import { EXIT, Failure } from '../line/failure.ts';
import { requireName } from '../line/name.ts';
import { BUS_OPTIONS, TERM_OPTIONS } from '../line/options.ts';
import { termsOf } from '../line/terms.ts';
import { changeText, remainingText, shortChange } from '../show/change-state.ts';
import { nearText } from '../show/format.ts';
import { fill, notice, type Terminal } from '../show/terminal.ts';
import { readSpecs } from '../specs/read-specs.ts';
import { toldOf, waitForAll, waitOf, wholeState } from '../waiting.ts';

/** What other tools take before names, or for all of them. */
const NO_NAMES = ['all', 'redirect', 'redirects', 'rule', 'rules', 'route', 'routes'];
export const remove = command({
  synopsis: 'NAME... | -f FILE... [-R] | [--set NAME] [-l LABELS]',
  about: `Deletes redirects by name. What is not there is already deleted: that is success too. What would take more than a fifth
of its redirects from a host (and more than 5) is refused unless --allow-shrink is there, with --reason.

With -f it deletes those whose names stand in files, with --set those of a set, with -l those whose \`hosts\` are exactly these
labels; with --set and -l those that are both. Names, files, and a set or labels do not go together. They are shown, and
confirmed; where nobody can be asked, --yes has to be there.

It prints the id of the change, and which hosts may still redirect: those that have not said yet that they do not. With --wait it
waits until all have, and after --timeout (without it, after a minute) it names those that have not, with exit status 3.

With --confirm, each host puts back what it deleted unless it is heard for ten seconds after that, within TIME; see shunt apply --help.`,
  examples: [
    'shunt delete drain-web-2',
    'shunt delete -f redirects.yaml',
    'shunt delete --set blue -l role=edge --yes',
  ],
  options: ['file', 'recursive', 'set', 'selector', 'yes', 'wait', 'confirm', ...TERM_OPTIONS, ...BUS_OPTIONS],
  helps: { timeout: 'for an answer: 5s; with --wait, for hosts: 1m' },
  operands: { placeholder: 'NAME', min: 0, max: Number.POSITIVE_INFINITY, asks: 'redirects' },
  async run({ options, operands, written, stdin, terminal }) {
    const { file, set, selector: labels } = options;
    requireOneWay({ names: operands, file, set, labels });
    const named = operands.map(requireName);
    const listed = (await readSpecs(options, stdin, { nowMs: Date.now() })).map(({ name }) => name);
    const terms = termsOf(options, options.confirm);
    const wait = waitOf(options, written);
    requireNoWait(options.confirm, wait);
    await using bus = await Bus.open(options);
    const names = await chooseNames({ ...options, names: named, written: listed, labels, terms }, bus, terminal);
    const { nears, changes, ...done } = await deleteNames(names, { terms, files: file }, bus, terminal);
    if (options.output === 'table' && names.length > 0) terminal.print(outcome(names, new Set(done.deleted), nears));
    const isConfirmed = terms.confirm !== undefined;
    const waited = isConfirmed
      ? await awaitConfirmed(changes, terms, bus, terminal)
      : wait && (await waitForAll(changes, wait, bus, terminal));
    if (options.output === 'json') {
      const made = changes.filter((change) => change !== undefined);
      const more = { ...(made.length > 0 && { changes: made }), ...(waited && { waited: waited.map(toldOf) }) };
      terminal.print(JSON.stringify({ ...done, ...(nears.length > 0 && { near: nears }), ...more }));
    } else if (waited === undefined) await tellRemaining(changes, bus, terminal);
    else if (isConfirmed) for (const text of confirmTexts(waited, terminal)) terminal.print(text);
    else for (const one of waited) terminal.print(changeText(one, terminal));
    const words = done.absent.filter((name) => NO_NAMES.includes(name));
    if (words.length > 0)
      notice(terminal, `${words.join(', ')}: taken for a name; shunt delete takes names alone, see shunt get`);
    return waited === undefined ? EXIT.done : exitOf(waited);
  },
});

/** Prints the changes, each with the hosts that may still redirect, as far as the controller knows. */
async function tellRemaining(changes: readonly (string | undefined)[], bus: Bus, terminal: Terminal): Promise<void> {
  for (const change of changes) {
    if (change === undefined) continue; // of an older controller
    const text = await wholeState(change, { level: 'verified' }, bus).then(remainingText, untold);
    const room = terminal.width ?? Number.POSITIVE_INFINITY;
    terminal.print(fill(`change ${shortChange(change)}: ${text}`, room).join('\n'));
  }
}

/** What was done is done; only who may still redirect is not known. */
function untold(error: unknown): string {
  if (error instanceof Failure) return `who may still redirect is not known: ${error.message}`;
  throw error;
}

function outcome(names: readonly string[], deleted: ReadonlySet<string>, nears: readonly Near[]): string {
  return names
    .map((name) => `${name}: ${deleted.has(name) ? 'deleted' : `already absent${nearText(name, nears)}`}`)
    .join('\n');
}
