import type { Gate } from '../../protocol/gate.ts';
import { parseGate } from '../../protocol/gate.ts';
import { Standings } from '../log/standings.ts';
import type { Transaction } from '../log/transaction.ts';
import type { Counted } from '../model/counted.ts';
import { SPOKEN_WITHIN_MS } from '../model/evidence.ts';
import type { Fleet } from '../model/fleet.ts';
import { fleetOf } from '../model/fleet.ts';
import { type Plan, type Rollout, type RolloutHost, waveOf } from '../model/rollout.ts';
import { type About, hostsOf } from './about.ts';
import type { GateFacts, JudgedHost, Judgement } from './gates.ts';
import { controlFacts, factsOf, type Listener, lookAt, type Since, silentMs, type Word } from './host-look.ts';
import { gatesOf, judgeGates } from './judge-gates.ts';
import { presencesOf } from './presence.ts';
import type { Periods, RolloutHostNow, Snapshot } from './snapshot.ts';
import { budgetOf } from './steps.ts';

/** What a look is made with beside the database. */
export interface LookParts {
  readonly nowMs: number;
  readonly awakeMs: number;
  readonly periods: Periods;
  readonly counted: (rollout: string, host: string) => Counted | undefined;
  readonly since: Since;
}

const UNJUDGED: Judgement = { verdict: 'INCONCLUSIVE', gates: [] };
/** Work of one transaction, in keys of hosts, and in hosts. */
const KEYS_A_STEP = 20_000;
const HOSTS_A_STEP = 64;

/** What all hosts said last. */
export interface Words {
  readonly fleet: Fleet;
  readonly of: (host: string) => Promise<Word | undefined>;
}

export async function readWords(transaction: Transaction): Promise<Words> {
  const words = await transaction.tables.hosts.words.all(transaction.session);
  const standings = new Standings(transaction);
  return {
    fleet: fleetOf(words.values().map(({ report }) => report.status)),
    of: async (host) => {
      const last = words.get(host);
      if (last === undefined) return undefined;
      const { epoch, stored } = last.report.status;
      return { last, standing: await standings.of({ epoch, rev: stored }) };
    },
  };
}

/** A rollout as it is now, and all that a decision depends on. */
export interface Look extends Snapshot {
  readonly facts: GateFacts;
}

export async function look(
  transaction: Transaction,
  rollout: Rollout,
  about: About,
  words: Words,
  parts: LookParts,
): Promise<Look> {
  const { session, tables } = transaction;
  const { firstRev } = rollout.plan;
  const listener = { ...parts, freshMs: parts.periods.freshMs, keys: new Set(about.keys), firstRev };
  const rows = await tables.rolloutHosts.of(session, rollout.id);
  const seen: { readonly now: RolloutHostNow; readonly word: Word | undefined }[] = [];
  for (const row of rows) {
    const word = await words.of(row.host);
    seen.push({ now: lookAt(row, word, listener), word });
  }
  const hosts = seen.map(({ now }) => now);
  const isJudged = 'step' in rollout.state; // what goes back passes no gate
  const reached = isJudged ? seen.filter(({ now }) => now.state === 'published') : [];
  const seenNow = {
    wave: waveOf(rollout.state),
    reached: reached.map(({ now, word }) =>
      factsOf(now, word, listener, parts.since, parts.counted(rollout.id, now.host)),
    ),
    control: isJudged ? await controlOf(rollout.id, hosts, words, listener, parts) : [],
    freshMs: SPOKEN_WITHIN_MS,
    maxUnreachable: budgetOf({ rollout, hosts }, waveOf(rollout.state)),
    puts: rollout.plan.puts,
    noTrafficOk: isNoTrafficOk(rollout.plan),
    external: rollout.external ?? null,
  };
  const { silent, othersHeard } = presencesOf(seenNow);
  const othersHeardMs = othersHeard ? parts.since('', 'others are heard') : 0;
  const facts: GateFacts = { ...seenNow, othersHeardMs };
  return {
    ...{ rollout, hosts, facts, periods: parts.periods },
    joined: joinedOf(rows, hostsOf(about, words.fleet)),
    judgement: isJudged ? judgeGates(gatesOfPlan(rollout.plan, facts.wave), facts) : UNJUDGED,
    blind: isTooSilent(facts, silent.length) && !othersHeard,
    superseded: (await tables.epochs.find(session, rollout.epoch))?.superseded !== false,
    hostsAtOnce: Math.max(1, Math.min(HOSTS_A_STEP, Math.floor(KEYS_A_STEP / Math.max(1, about.keys.length)))),
  };
}

/** More than may be, or all: then nobody is left to tell. */
function isTooSilent({ reached, maxUnreachable }: GateFacts, silent: number): boolean {
  return silent > maxUnreachable || (silent > 0 && silent === reached.length);
}

/** What is asked in a wave of it. */
export function gatesOfPlan(plan: Plan, wave: number): readonly Gate[] {
  const given = plan.gates.map((gate) => parseGate(gate));
  return gatesOf(given, { wave, noTrafficOk: isNoTrafficOk(plan) });
}

function isNoTrafficOk({ noTrafficOk, now }: Plan): boolean {
  return noTrafficOk === true || now === true;
}

function joinedOf(rows: readonly RolloutHost[], selected: ReadonlySet<string>): readonly string[] {
  const known = new Set(rows.filter(({ state }) => state !== 'left').map(({ host }) => host));
  return [...selected].filter((host) => !known.has(host)).sort();
}

/** As many hosts as were reached, of those that were not: of the rollout, and then of the fleet. Those that are heard come first. */
async function controlOf(
  id: string,
  hosts: readonly RolloutHostNow[],
  words: Words,
  listener: Listener,
  { counted, since }: LookParts,
): Promise<readonly JudgedHost[]> {
  const found: { readonly host: string; readonly word: Word | undefined; readonly fresh: boolean }[] = [];
  for (const host of controlHosts(hosts, words.fleet)) {
    const word = await words.of(host);
    found.push({ host, word, fresh: (silentMs(word, listener) ?? Number.POSITIVE_INFINITY) < SPOKEN_WITHIN_MS });
  }
  const reached = hosts.filter(({ state }) => state === 'published').length;
  return found
    .sort((a, b) => Number(b.fresh) - Number(a.fresh))
    .slice(0, Math.max(1, reached))
    .map(({ host, word }) => controlFacts(host, word, listener, since, counted(id, host)));
}

function controlHosts(hosts: readonly RolloutHostNow[], fleet: Fleet): readonly string[] {
  const own = hosts.filter(({ state }) => state === 'planned' || state === 'deferred').map(({ host }) => host);
  const rows = new Set(hosts.map(({ host }) => host));
  const others = [...fleet.selected('all')].map(({ host }) => host).filter((host) => !rows.has(host));
  return [...own.reverse(), ...others.sort()];
}
