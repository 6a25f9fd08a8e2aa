import { randomUUID } from 'node:crypto';
import type { RolloutStartReply } from '../../protocol/rollout-start.ts';
import { Bus } from '../client.ts';
import { confirmDeletion, requireAllowed } from '../confirm.ts';
import { type Call, command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { BUS_OPTIONS, TERM_OPTIONS } from '../line/options.ts';
import { termsOf } from '../line/terms.ts';
import { knowingSets } from '../names.ts';
import { ROLLOUT_OPTIONS, rolloutTerms, startOn } from '../rollout/start.ts';
import { startText, wavesText } from '../rollout/start-text.ts';
import { toTheEnd } from '../rollout/to-the-end.ts';
import { placingOf, prunedBy } from '../sets.ts';
import { idleOf } from '../show/idle-on.ts';
import { layOutPlan } from '../show/plan-table.ts';
import { askPlan } from '../specs/ask-plan.ts';
import { findRedirects, takersOf } from '../specs/find-redirects.ts';
import { readAsked } from '../specs/kept-or-files.ts';
import { upload } from '../specs/upload.ts';

export const rolloutStart = command({
  synopsis: '-f FILE... [--waves LIST] [--gate GATE...] [--wait]',
  about: `Begins to change redirects in waves of hosts. It shows what shunt plan does, host by host, and the waves; then it begins, and asks
nobody. With --dry-run it does not begin. PLAN is a file that shunt plan --out kept. What the plan relied on is checked again:
where anything of that moved, nothing begins (PLAN_STALE).

Waves are cumulative, numbers of hosts or shares of all: 1,10%,50%,100%. In each, the hosts get the change and have two minutes to
verify it; then it soaks while gates are judged over all hosts that have it. verified>=100% and exceptions<=0 always count, and
hits>=1 in wave 1, but with --no-traffic-ok; more of them: hits>=N, losses<=P%, drops<=P%, external (shunt rollout verdict). A gate that
fails takes it back from all hosts, or pauses it with --on-fail pause; one that says nothing pauses it. A host that cannot be
reached any more after the change takes it back by itself, after a minute or what --confirm says.

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
  helps: {
    confirm: 'cut off, it goes back so soon (default: 1m)',
    'dry-run': 'show plan and waves, and begin nothing',
    wait: 'until it has ended, as watch does',
  },
  operands: { placeholder: 'PLAN', min: 0, max: 1, files: true },
  async run(call) {
    const { options, terminal } = call;
    const given = await readGiven(call);
    let begun: RolloutStartReply;
    {
      await using bus = await Bus.open(options);
      begun = await begin(await wishOf(given, call, bus), call, bus);
    }
    const id = begun.rollout?.id;
    return id === undefined || !options.wait ? EXIT.done : toTheEnd(id, options, terminal);
  },
});

type Given = Pick<
  Call<'file' | 'recursive' | 'delete' | 'set' | 'prune' | 'yes' | 'expires-in' | 'dry-run' | 'output' | Term>,
  'options' | 'operands' | 'terminal' | 'stdin'
>;
type Term = (typeof ROLLOUT_OPTIONS | typeof TERM_OPTIONS)[number];

/** Reads what is on this side of the bus. Errors: Failure. */
async function readGiven({ options, operands, stdin, terminal }: Given) {
  const terms = { ...termsOf(options), ...rolloutTerms(options) };
  return { terms, ...(await readAsked(operands[0], options, { stdin, terminal })) };
}

/** What is to begin, with what it relies on. Errors: Failure. */
async function wishOf({ terms, specs, plan }: Awaited<ReturnType<typeof readGiven>>, call: Given, bus: Bus) {
  const { options, terminal } = call;
  const { set, delete: goes } = plan ?? options;
  const prune = options.prune ? await prunedBy(specs, set, bus, terminal) : plan?.prune;
  const asked = { delete: [...new Set([...goes, ...(prune ?? [])])], ...(set !== undefined && { set }) };
  if (options.prune && prune?.length && !options['dry-run']) {
    const check = (): Promise<void> => requireAllowed({ specs, terms, ...asked }, bus, terminal);
    await confirmDeletion(prune, `of the set ${set}`, options.yes, terminal, check);
  }
  const planned = await knowingSets(askPlan(specs, asked, bus, terminal), set !== undefined);
  const { basis = planned.basis, newest = planned.newest } = plan ?? {};
  const reliedOn = { ...(basis !== undefined && { basis }), ...(newest !== undefined && { newest }) };
  const last = { ...terms, ...placingOf(set, prune), ...(goes.length > 0 && { delete: goes }), ...reliedOn };
  return { specs, planned, last };
}

/** Shows what would be done, and does it. Errors: Failure. */
async function begin(
  { specs, planned, last }: Awaited<ReturnType<typeof wishOf>>,
  { options, operands, terminal }: Given,
  bus: Bus,
): Promise<RolloutStartReply> {
  const say = (text: string): void => (options.output === 'json' ? undefined : terminal.print(text));
  const ask = (more: { readonly dryRun?: true }): Promise<RolloutStartReply> =>
    upload(specs, bus, terminal, startOn({ ...last, ...more }, [...operands, ...options.file], id));
  const id = randomUUID();
  const takers = options.output === 'json' ? [] : await findRedirects(takersOf(planned), bus);
  say(layOutPlan(planned, terminal, specs, idleOf(takers)));
  const foreseen = await ask({ dryRun: true });
  say(foreseen.waves.length === 0 ? '' : `\n${wavesText(foreseen, terminal)}\n`);
  const begun = options['dry-run'] ? foreseen : await ask({});
  say(startText(begun, options['dry-run']));
  const { v: _, upload: __, ...told } = begun;
  if (options.output === 'json') terminal.print(JSON.stringify({ ...told, plan: planned }));
  return begun;
}
