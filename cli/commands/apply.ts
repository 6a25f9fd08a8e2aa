import { Bus } from '../client.ts';
import { confirmDeletion } from '../confirm.ts';
import { command } from '../line/command.ts';
import { EXIT, usage } from '../line/failure.ts';
import { BUS_OPTIONS, TERM_OPTIONS } from '../line/options.ts';
import { termsOf } from '../line/terms.ts';
import { knowingSets } from '../names.ts';
import { placingOf, prunedBy, requireSetToPrune } from '../sets.ts';
import { strangerTexts } from '../show/format.ts';
import { movedText } from '../show/moved.ts';
import { notice } from '../show/terminal.ts';
import { foreseen } from '../specs/foreseen.ts';
import { noteSpecs, readSpecs } from '../specs/read-specs.ts';
import { shortfallTexts } from '../specs/shortfalls.ts';
import { applyOn, upload } from '../specs/upload.ts';

export const apply = command({
  synopsis: '-f FILE... [-R] [--set NAME [--prune]] [--reason TEXT]',
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
only a name decides.

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
  ],
  options: ['file', 'recursive', 'set', 'prune', 'yes', 'expires-in', ...TERM_OPTIONS, ...BUS_OPTIONS],
  async run({ options, terminal, stdin }) {
    if (options.file.length === 0) throw usage('name at least one file: -f FILE, or -f - for standard input');
    requireSetToPrune(options);
    const terms = termsOf(options);
    const nowMs = Date.now();
    const specs = await readSpecs(options, stdin, { nowMs, expiresInMs: options['expires-in'] });
    noteSpecs(specs, nowMs, terminal);
    await using bus = await Bus.open(options);
    const gone = options.prune ? await prunedBy(specs, options.set, bus, terminal) : undefined;
    if (gone?.length) await confirmDeletion(gone, `of the set ${options.set}`, options.yes, terminal);
    const notes = await foreseen(specs, { delete: gone ?? [] }, bus);
    const asking = upload(specs, bus, terminal, applyOn({ ...terms, ...placingOf(options.set, gone) }));
    const { v: _, upload: __, ...reply } = await knowingSets(asking, options.set !== undefined);
    const { created, changed, unchanged, deleted, hosts, rev } = reply;
    for (const text of [...notes, ...strangerTexts(reply), ...(await shortfallTexts(specs, bus))])
      notice(terminal, text);
    const pruned = deleted === undefined ? '' : `, deleted ${deleted}`;
    if (reply.set?.movedTotal) notice(terminal, movedText(reply.set));
    const text = `created ${created}, changed ${changed}, unchanged ${unchanged}${pruned}; hosts ${hosts}; newest revision ${rev}`;
    terminal.print(options.output === 'json' ? JSON.stringify(reply) : text);
    return EXIT.done;
  },
});
