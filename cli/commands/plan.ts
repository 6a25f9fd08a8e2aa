import type { Planned } from '../../protocol/plan.ts';
import { Bus } from '../client.ts';
import { showDeletion } from '../confirm.ts';
import { command } from '../line/command.ts';
import { EXIT, Failure, usage } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { knowingSets } from '../names.ts';
import { prunedBy, requireSetToPrune } from '../sets.ts';
import { layOutPlan } from '../show/plan-table.ts';
import { notice } from '../show/terminal.ts';
import { askPlan } from '../specs/ask-plan.ts';
import { writePlan } from '../specs/plan-file.ts';
import type { Prepared } from '../specs/prepare.ts';
import { noteSpecs, readSpecs } from '../specs/read-specs.ts';

export const plan = command({
  synopsis: '[-f FILE... [-R]] [--delete NAME...] [--set NAME] [--out FILE]',
  about: `Shows what an apply of the files and a delete of the names would do to each host, and does nothing: what would be
added, changed and deleted, and where packets go today and then (B: on to where they were sent; !: dropped, given up, or
nothing left at B); what is not named and touched all the same; which redirects another one shadows, because it has the same match and wins; which ones
overlap, and which of them has a packet that matches both; which hosts would be given more than they can hold, and which
are not sent a redirect because their agents are too old for it. With --set and --prune, what such an apply would take
out of the set is among what would be deleted.

With --out, the plan is kept in a file, for shunt apply FILE: that does exactly this, or nothing if anything that the plan
relied on is otherwise by then. With --exit-code, the exit status is 6 where something would change, 0 where nothing would.`,
  examples: [
    'shunt plan -f redirects.yaml',
    'shunt plan -f redirects.yaml --delete drain-web-1 --out drain.plan && shunt apply drain.plan',
  ],
  options: ['file', 'recursive', 'delete', 'set', 'prune', 'expires-in', 'out', 'exit-code', ...BUS_OPTIONS],
  async run({ options, terminal, stdin }) {
    requireSetToPrune(options);
    if (options.file.length + options.delete.length === 0)
      throw usage('name at least one file or redirect: -f FILE, -f - for standard input, or --delete NAME');
    const nowMs = Date.now();
    const specs = await readSpecs(options, stdin, { nowMs, expiresInMs: options['expires-in'] });
    noteSpecs(specs, nowMs, terminal);
    await using bus = await Bus.open(options);
    const gone = options.prune ? await prunedBy(specs, options.set, bus, terminal) : [];
    if (gone.length > 0) showDeletion(gone, `of the set ${options.set}`, terminal);
    const names = [...new Set([...options.delete, ...gone])];
    const more = { delete: names, ...(options.set !== undefined && { set: options.set }) };
    const planned = await knowingSets(askPlan(specs, more, bus, terminal), options.set !== undefined);
    terminal.print(
      options.output === 'json'
        ? JSON.stringify({ ...planned, ...(options.prune && { pruned: gone }) })
        : layOutPlan(planned, terminal, specs),
    );
    if (options.out !== undefined) {
      await keep(options.out, planned, { specs, ...options, gone });
      notice(terminal, `kept: shunt apply ${options.out} does this and nothing else, or nothing`);
    }
    return options['exit-code'] && wouldChange(planned) ? EXIT.changes : EXIT.done;
  },
});

interface Asked {
  readonly specs: readonly Prepared[];
  readonly delete: readonly string[];
  readonly set: string | undefined;
  readonly prune: boolean;
  readonly gone: readonly string[];
}

/** Errors: Failure, also where the controller does not say what the plan relies on. */
async function keep(
  path: string,
  { basis, newest }: Planned,
  { specs, set, prune, gone, ...asked }: Asked,
): Promise<void> {
  if (basis === undefined)
    throw new Failure(
      EXIT.refused,
      'NOT_SUPPORTED',
      'this controller does not say what a plan relies on, for it is of an older release: upgrade it; nothing was kept',
    );
  const sorted = { ...(set !== undefined && { set }), ...(prune && { prune: gone }) };
  const goes = [...new Set(asked.delete)].filter((name) => !gone.includes(name));
  await writePlan(path, {
    at: Date.now(),
    basis,
    ...(newest !== undefined && { newest }),
    ...sorted,
    delete: goes,
    specs: specs.map(({ json }) => json),
  });
}

function wouldChange({ created, changed, deleted, changesTotal, set }: Planned): boolean {
  return created + changed + deleted + changesTotal + (set?.joined ?? 0) > 0;
}
