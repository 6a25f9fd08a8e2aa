import type { Planned } from '../../protocol/plan.ts';
import { Bus } from '../client.ts';
import { showDeletion } from '../confirm.ts';
import { command } from '../line/command.ts';
import { EXIT, Failure, usage } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { knowingSets } from '../names.ts';
import { prunedBy } from '../sets.ts';
import { idleOf } from '../show/idle-on.ts';
import { layOutPlan } from '../show/plan-table.ts';
import { notice } from '../show/terminal.ts';
import { askPlan } from '../specs/ask-plan.ts';
import { findRedirects, takersOf } from '../specs/find-redirects.ts';
import { readAsked } from '../specs/kept-or-files.ts';
import { requireRoomForPlan, writePlan } from '../specs/plan-file.ts';
import type { Prepared } from '../specs/prepare.ts';

export const plan = command({
  synopsis: '[-f FILE... [-R]] [--delete NAME...] [--set NAME] | PLAN',
  about: `Shows what an apply of the files and a delete of the names would do to each host, and does nothing: what would be added,
changed and deleted, and where packets go today and then (B: on to where they were sent; idle, said of up to 100: given up in
silence there, so they go on; !: dropped, given up, or nothing left at B); what is not named and touched all the same; which
redirects another one shadows, because it has the same match and wins; which ones overlap, and which of them has a packet that
matches both; which hosts would be given more than they can hold, and which are not sent a redirect because their agents are too
old for it. With --set and --prune, what such an apply would take out of the set is among what would be deleted.

With --out, the plan is kept in a file, for shunt apply FILE: that does exactly this, or nothing if anything that the plan
relied on is otherwise by then. Only a plan is overwritten. With PLAN, a file that was kept, it shows what that would do now, and
whether it still can be applied. With --exit-code, the exit status is 6 where something would change, 0 where nothing would.`,
  examples: [
    'shunt plan -f redirects.yaml',
    'shunt plan -f redirects.yaml --delete drain-web-1 --out drain.plan && shunt apply drain.plan',
  ],
  options: ['file', 'recursive', 'delete', 'set', 'prune', 'expires-in', 'out', 'exit-code', ...BUS_OPTIONS],
  operands: { placeholder: 'PLAN', min: 0, max: 1, files: true },
  async run({ options, operands: [path], terminal, stdin }) {
    const { specs, plan: kept } = await readAsked(path, options, { stdin, terminal });
    if (options.out !== undefined) {
      if (kept !== undefined) throw usage(`${path} is kept already: leave out --out, or plan again with -f`);
      await requireRoomForPlan(options.out, stdin);
    }
    const { set } = kept ?? options;
    await using bus = await Bus.open(options);
    const pruned = options.prune ? await prunedBy(specs, set, bus, terminal) : kept?.prune;
    const gone = pruned ?? [];
    if (gone.length > 0) showDeletion(gone, `of the set ${set}`, terminal);
    const names = [...new Set([...(kept ?? options).delete, ...gone])];
    const more = { delete: names, ...(set !== undefined && { set }) };
    const planned = await knowingSets(askPlan(specs, more, bus, terminal), set !== undefined);
    const stale = kept && planned.basis !== kept.basis;
    terminal.print(
      options.output === 'json'
        ? JSON.stringify({ ...planned, ...(pruned && { pruned }), ...(stale !== undefined && { stale }) })
        : layOutPlan(planned, terminal, specs, idleOf(await findRedirects(takersOf(planned), bus))),
    );
    if (options.out !== undefined) {
      await keep(options.out, planned, { specs, ...options, gone });
      notice(terminal, `kept: shunt apply ${options.out} does this and nothing else, or nothing`);
    }
    if (stale !== undefined) notice(terminal, staleText(path, stale));
    return options['exit-code'] && wouldChange(planned) ? EXIT.changes : EXIT.done;
  },
});

function staleText(path: string | undefined, stale: boolean): string {
  if (!stale) return `nothing that ${path} relied on is otherwise by now: shunt apply ${path} does this`;
  return `${path} is stale: something that it relied on is otherwise by now, so shunt apply ${path} is refused; plan again`;
}

interface Keeping {
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
  { specs, set, prune, gone, ...asked }: Keeping,
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
