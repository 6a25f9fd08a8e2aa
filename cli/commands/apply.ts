import { isDone } from '../../protocol/change-state.ts';
import { Bus } from '../client.ts';
import { confirmDeletion, requireAllowed } from '../confirm.ts';
import { awaitConfirmed, confirmTexts, exitOf, requireNoWait } from '../confirming.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { BUS_OPTIONS, type Options, TERM_OPTIONS } from '../line/options.ts';
import { knowingTerms, termsOf } from '../line/terms.ts';
import { knowingSets } from '../names.ts';
import { placingOf, prunedBy } from '../sets.ts';
import { changeText, shortChange } from '../show/change-state.ts';
import { strangerTexts } from '../show/format.ts';
import { movedText } from '../show/moved.ts';
import { notice, type Terminal } from '../show/terminal.ts';
import { foreseen } from '../specs/foreseen.ts';
import { readAsked } from '../specs/kept-or-files.ts';
import { idleTexts, shortfallTexts } from '../specs/shortfalls.ts';
import { applyOn, upload } from '../specs/upload.ts';
import { UploadAhead } from '../specs/upload-ahead.ts';
import { toldOf, waitOf, waitWith } from '../waiting.ts';

export const apply = command({
  synopsis: '-f FILE... [-R] [--set NAME] [--wait | --confirm TIME] | PLAN',
  about: `Creates the redirects of the files, or changes those whose names exist; others stay as they are. All of them or none:
one that is wrong refuses the whole, with file, line and reason. Applying the same again changes nothing.

A file is YAML with a list \`redirects:\`, or JSON lines with one redirect a line, for bulk. A folder
stands for its files that end with .yaml, .yml, .json or .jsonl, sorted by name; with -R also for those of its folders.

With --set, they are put into that set: a redirect is in one at most, and what leaves another for it is said. With --prune,
what is in the set and not in the files is deleted with the same change. It is shown first, and confirmed; where nobody can be
asked, --yes has to be there.

What would remove or re-target more than a fifth of a host's redirects (and more than 5), or give it more than it has (and
more than 1,000), is refused unless --allow-shrink or --allow-growth is there, with --reason.

Of up to 100 redirects it says what shunt plan would: what is dropped or given up, who is touched that was not named, and where
only a name decides; and on which of their hosts it waits, for these are held.

With PLAN, a file of shunt plan --out, it does what that said, deletes included, or nothing where anything that the plan
relied on is otherwise by now (PLAN_STALE): plan again.

It prints the id of the change. With --wait it waits until every host that the change concerns says that it has it: stored, applied
or, without a LEVEL, verified. It ends when all do, and after --timeout (without it, after a minute); then hosts that do
not are named, with the reason, and the exit status is 3. Redirects that were unchanged are waited for as well.

With --confirm, each host takes back by itself what this changes there, deletes too, unless it is heard for ten seconds after it
did that, within TIME of that: what cuts a host off does not last. It shows how long is left, and ends when each host is confirmed, or took
the change back: then the exit status is 1. Whoever leaves it earlier changes nothing. 20s at least; 60s is a good time.

With --expires-in, redirects that have no \`expires\` end so long after this call; the same call again ends them later.`,
  examples: [
    `shunt apply -f - <<'END'
redirects:
  - name: drain-web-2
    hosts: { role: edge }
    match: { src: 198.51.100.0/24, dst: 203.0.113.10, proto: udp, dport: 443 }
    to: { nexthop: 10.0.0.7 }
END`,
    'shunt apply -f redirects.yaml -f more.jsonl',
    'shunt apply -f redirects/ -R --set web --prune',
    'shunt apply -f redirects.yaml --wait --timeout 30s',
    'shunt apply -f redirects.yaml --confirm 60s',
  ],
  options: [
    'file',
    'recursive',
    'set',
    'prune',
    'yes',
    'expires-in',
    'wait',
    'confirm',
    ...TERM_OPTIONS,
    ...BUS_OPTIONS,
  ],
  helps: { timeout: 'for an answer: 5s; with --wait, for hosts: 1m' },
  operands: { placeholder: 'PLAN', min: 0, max: 1, files: true },
  async run(call) {
    const { options, operands, written, terminal } = call;
    const terms = termsOf(options, options.confirm);
    const wait = waitOf(options, written);
    requireNoWait(options.confirm, wait);
    // A question may stay unanswered longer than parts are kept.
    await using ahead = options.prune ? undefined : new UploadAhead(() => Bus.open(options), options.file);
    const { specs, kept } = await readWanted({ ...call, ahead });
    await using bus = await Bus.open(options);
    const gone = options.prune ? await prunedBy(specs, options.set, bus, terminal) : undefined;
    const more = kept ?? placingOf(options.set, gone);
    if (gone?.length) {
      const intended = { specs, terms, delete: gone, ...placingOf(options.set, undefined) };
      const check = (): Promise<void> => requireAllowed(intended, bus, terminal);
      await confirmDeletion(gone, `of the set ${options.set}`, options.yes, terminal, check);
    }
    const notes = await foreseen(specs, more, bus);
    const files = [...operands, ...options.file];
    const asking = upload(specs, bus, terminal, {
      ...applyOn({ ...terms, ...more }, files),
      ahead: await ahead?.sent(),
    });
    const known = knowingTerms(knowingSets(asking, more.set !== undefined), terms);
    const { v: _, upload: __, ...reply } = await known;
    const { change, created, changed, unchanged, deleted, hosts, rev } = reply;
    const told = [...notes, ...strangerTexts(reply), ...(await shortfallTexts(specs, bus))];
    for (const text of told) notice(terminal, text);
    const pruned = deleted === undefined ? '' : `, deleted ${deleted}`;
    if (reply.set?.movedTotal) notice(terminal, movedText(reply.set));
    const joined = reply.set?.joined ? `; ${reply.set.joined} put into the set ${reply.set.name}` : '';
    const made = change === undefined ? `newest revision ${rev}` : `change ${shortChange(change)}`;
    const text = `created ${created}, changed ${changed}, unchanged ${unchanged}${pruned}; hosts ${hosts}${joined}; ${made}`;
    if (options.output === 'table') terminal.print(text);
    if (terms.confirm !== undefined) {
      const ended = hosts === 0 ? [] : await awaitConfirmed([change], terms, bus, terminal);
      if (options.output === 'json')
        terminal.print(JSON.stringify({ ...reply, ...(ended[0] && { waited: toldOf(ended[0]) }) }));
      else for (const text of confirmTexts(ended, terminal)) terminal.print(text);
      return exitOf(ended);
    }
    const standing = unchanged === 0 ? [] : specs.map(({ name }) => name);
    const waited = wait && (await waitWith(change, standing, wait, bus, terminal));
    if (options.output === 'json')
      terminal.print(JSON.stringify({ ...reply, ...(waited && { waited: toldOf(waited) }) }));
    else if (waited !== undefined) terminal.print(changeText(waited, terminal));
    const idle = waited === undefined ? [] : await idleTexts(specs, bus);
    for (const text of idle.filter((one) => !told.includes(one))) notice(terminal, text);
    return waited === undefined || isDone(waited.state) ? EXIT.done : EXIT.unfinished;
  },
});

interface Given {
  readonly options: Options<'file' | 'recursive' | 'set' | 'prune' | 'expires-in'>;
  readonly operands: readonly string[];
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly terminal: Terminal;
  readonly ahead: UploadAhead | undefined;
}

/** The redirects of files, or of a plan that was kept, with what else that says. Errors: Failure. */
async function readWanted({ options, operands, stdin, terminal, ahead }: Given) {
  const { specs, plan } = await readAsked(operands[0], options, { stdin, terminal, ahead });
  if (plan === undefined) return { specs, kept: undefined };
  const { basis, newest, delete: goes, set, prune } = plan;
  const reliedOn = { basis, ...(newest !== undefined && { newest }) };
  return { specs, kept: { ...reliedOn, delete: goes, ...placingOf(set, prune) } };
}
