import { Bus } from '../client.ts';
import { confirmDeletion } from '../confirm.ts';
import { command } from '../line/command.ts';
import { EXIT, usage } from '../line/failure.ts';
import { BUS_OPTIONS, type Options, TERM_OPTIONS } from '../line/options.ts';
import { termsOf } from '../line/terms.ts';
import { knowingSets } from '../names.ts';
import { ROLLOUT_OPTIONS, rolloutTerms, startOn } from '../rollout/start.ts';
import { startText, wavesText } from '../rollout/start-text.ts';
import { toTheEnd } from '../rollout/to-the-end.ts';
import { placingOf, prunedBy, requireSetToPrune } from '../sets.ts';
import { layOutPlan } from '../show/plan-table.ts';
import { askPlan } from '../specs/ask-plan.ts';
import { readKept } from '../specs/kept-or-files.ts';
import { noteSpecs, readSpecs } from '../specs/read-specs.ts';
import { upload } from '../specs/upload.ts';

export const rolloutStart = command({
  synopsis: '-f FILE... [--waves LIST] [--gate GATE...] [--wait]',
  about: `Begins to change redirects in waves of hosts. It shows what shunt plan does, host by host, and the waves; then it begins, and asks
nobody. With --dry-run it does not begin. PLAN is a file that shunt plan --out kept. What the plan relied on is checked again: where anything of
that moved, nothing begins (PLAN_STALE).

Waves are cumulative, numbers of hosts or shares of all: 1,10%,50%,100%. In each, the hosts get the change and have two minutes to
verify it; then it soaks while gates are judged over all hosts that have it. verified>=100% and exceptions<=0 always count, and
hits>=1 in wave 1, but with --no-traffic-ok; more of them: hits>=N, losses<=P%, drops<=P%, external (shunt rollout verdict). A gate that
fails takes it back from all hosts, or pauses it with --on-fail pause; one that says nothing pauses it. A host that cannot be
reached any more after the change takes it back by itself.

What is not named and touched all the same is refused without --accept-collateral; so is what is too large a change for one host
(--allow-shrink, --allow-growth), and what was rolled back less than ten minutes ago, but with --again. Hosts that are silent come
late, with the last wave, and those that --max-unreachable lets be then get it when they return.

It prints the id of the rollout. With --wait it goes on as shunt rollout watch does; the exit status then is 0 if it is DONE, 1 if it was
ROLLED_BACK, and 3 if it is paused.`,
  examples: [
    "shunt rollout start -f drain.yaml --gate 'losses<=0.1%' --wait",
    'shunt rollout start -f web/ -R --set web --prune --waves 1,25%,100% --spread rack',
    "shunt rollout start drain.plan --now --reason 'B is on fire'",
  ],
  options: [
    ...(['file', 'recursive', 'delete', 'set', 'prune', 'yes', 'expires-in'] as const),
    ...ROLLOUT_OPTIONS,
    ...TERM_OPTIONS,
    ...(['dry-run', 'wait'] as const),
    ...BUS_OPTIONS,
  ],
  bare: ['wait'],
  helps: { 'dry-run': 'show plan and waves, and begin nothing', wait: 'until it has ended, as watch does' },
  operands: { placeholder: 'PLAN', min: 0, max: 1, files: true },
  async run({ options, operands, terminal, stdin }) {
    const terms = { ...termsOf(options), ...rolloutTerms(options) };
    const kept = await readKept(operands[0], options, stdin);
    if (kept === undefined) requireWanted(options);
    const nowMs = Date.now();
    const moment = { nowMs, expiresInMs: options['expires-in'] };
    const specs = kept?.specs ?? (await readSpecs(options, stdin, moment));
    noteSpecs(specs, nowMs, terminal);
    const json = options.output === 'json';
    let id: string | undefined;
    {
      await using bus = await Bus.open(options);
      const { set } = kept?.plan ?? options;
      const prune = options.prune ? await prunedBy(specs, set, bus, terminal) : kept?.plan.prune;
      if (options.prune && prune?.length && !options['dry-run'])
        await confirmDeletion(prune, `of the set ${set}`, options.yes, terminal, async () => {});
      const goes = (kept?.plan ?? options).delete;
      const asked = { delete: [...new Set([...goes, ...(prune ?? [])])], ...(set !== undefined && { set }) };
      const planned = await knowingSets(askPlan(specs, asked, bus, terminal), set !== undefined);
      const { basis = planned.basis, newest = planned.newest } = kept?.plan ?? {};
      const reliedOn = { ...(basis !== undefined && { basis }), ...(newest !== undefined && { newest }) };
      const last = { ...terms, ...placingOf(set, prune), ...(goes.length > 0 && { delete: goes }), ...reliedOn };
      const files = [...operands, ...options.file];
      if (!json) terminal.print(layOutPlan(planned, terminal, specs));
      const foreseen = await upload(specs, bus, terminal, startOn({ ...last, dryRun: true }, files));
      if (!json) terminal.print(`\n${wavesText(foreseen, terminal)}`);
      const begun = options['dry-run'] ? foreseen : await upload(specs, bus, terminal, startOn(last, files));
      const { v: _, upload: __, ...told } = begun;
      if (json) terminal.print(JSON.stringify({ ...told, plan: planned }));
      else terminal.print(`\n${startText(begun, options['dry-run'])}`);
      id = begun.rollout?.id;
    }
    return id === undefined || !options.wait ? EXIT.done : toTheEnd(id, options, terminal);
  },
});

/** Errors: Failure USAGE. */
function requireWanted(options: Options<'file' | 'delete' | 'set' | 'prune'>): void {
  requireSetToPrune(options);
  if (options.file.length + options.delete.length === 0)
    throw usage('name at least one file or redirect: -f FILE, -f - for standard input, --delete NAME, or PLAN');
}
