import type { RolloutHead } from '../../protocol/rollout.ts';
import {
  DEFAULT_EVIDENCE,
  type Evidence,
  type HoldUp,
  MAX_ROLLOUT_HOSTS,
  type RolloutStatusReply,
  type RolloutStatusRequest,
  type Waiting,
  type WaveNow,
} from '../../protocol/rollout-status.ts';
import type { Transaction } from '../log/transaction.ts';
import { isActive, type Rollout, type RolloutHost, waveOf } from '../model/rollout.ts';
import type { RolloutEvidenceRow } from '../store/schema.ts';
import type { Look, Words } from './look.ts';
import { isMissing, isReady } from './snapshot.ts';
import { budgetOf } from './steps.ts';

/** A rollout in one line. */
export function headOf(rollout: Rollout, hosts: readonly Pick<RolloutHost, 'state' | 'wave'>[]): RolloutHead {
  const { id, state, plan, version, startedMs, changedMs, endedMs, origin, of } = rollout;
  const { created, changed, deleted, now } = plan;
  const cause = 'cause' in state ? state.cause : undefined;
  return {
    id,
    state: state.is,
    ...('step' in state && { step: state.step.at }),
    wave: waveOf(state),
    waves: wavesOf(rollout, hosts),
    ...{ version, made: startedMs, moved: changedMs },
    ...(endedMs !== undefined && { ended: endedMs }),
    ...origin,
    redirects: created + changed + deleted,
    hosts: hosts.filter(({ state: is }) => is !== 'left').length,
    published: hosts.filter(({ state: is }) => is === 'published').length,
    ...(cause !== undefined && { cause }),
    ...(of !== undefined && { of }),
    ...(now && { now }),
  };
}

/** With the tail, if there is one. */
function wavesOf(rollout: Rollout, hosts: readonly Pick<RolloutHost, 'state' | 'wave'>[]): number {
  const { plan, state } = rollout;
  return Math.max(1, plan.waves.length, waveOf(state), ...hosts.map((host) => turnOf(host, rollout)));
}

/** The wave in which a host has its turn: one that was put off is of the tail, or takes a place in a wave before. */
function turnOf({ state, wave }: Pick<RolloutHost, 'state' | 'wave'>, { plan }: Pick<Rollout, 'plan'>): number {
  return state === 'deferred' ? plan.waves.length + 1 : wave;
}

/** All that is to be seen of a rollout. */
export async function statusOf(
  transaction: Transaction,
  look: Look,
  words: Words,
  request: RolloutStatusRequest,
  nowMs: number,
): Promise<RolloutStatusReply> {
  const { rollout, hosts, judgement } = look;
  const { plan, state } = rollout;
  const damaged = transaction.damage !== undefined && isActive(state);
  const waits = damaged ? ({ for: 'repair', since: rollout.changedMs } as const) : waitsOf(look);
  const holdUps = await holdUpsOf(look, words);
  const silent = hosts.filter(({ state: is, heard }) => is === 'published' && heard === 'stale');
  const outstanding = hosts.filter(isOutstanding);
  return {
    ...{ v: 1, rollout: headOf(rollout, hosts), at: nowMs },
    ...(waits !== undefined && { waits }),
    soakedMs: 'step' in state && state.step.at === 'SOAK' ? Math.round(Math.min(state.step.soaked.ms, plan.soakMs)) : 0,
    soakMs: plan.soakMs,
    ...(plan.spread !== undefined && { spread: plan.spread }),
    maxUnreachable: plan.maxUnreachable ?? String(budgetOf(look, waveOf(state))),
    onFail: plan.onFail,
    waveList: await waveListOf(look, words),
    gates: 'step' in state ? judgement.gates : [],
    holdUps: holdUps.slice(0, MAX_ROLLOUT_HOSTS),
    holdUpsTotal: holdUps.length,
    ...some('silent', silent),
    ...some(
      'deferred',
      hosts.filter(({ state: is }) => is === 'deferred'),
    ),
    ...some(
      'excluded',
      hosts.filter(({ state: is }) => is === 'excluded'),
    ),
    ...some('outstanding', outstanding),
    evidence: await evidenceOf(transaction, rollout.id, request),
  };
}

/** It may have the change still: it did not say that it has not, withholds that it goes, or took back what came later, or may yet. */
function isOutstanding({ state, rev, verified, reverted, withholds, unconfirmed }: Look['hosts'][number]): boolean {
  const isGone = verified && reverted === undefined && !withholds && !unconfirmed;
  return (state === 'withdrawn' || (state === 'excluded' && rev > 0)) && !isGone;
}

type List = 'silent' | 'deferred' | 'excluded' | 'outstanding';

function some(name: List, hosts: readonly { readonly host: string }[]): Partial<RolloutStatusReply> {
  if (hosts.length === 0) return {};
  const names = hosts.slice(0, MAX_ROLLOUT_HOSTS).map(({ host }) => host);
  return { [name]: names, [`${name}Total`]: hosts.length };
}

async function waveListOf({ rollout, hosts }: Look, words: Words): Promise<readonly WaveNow[]> {
  const { waves } = rollout.plan;
  const list: WaveNow[] = [];
  for (let wave = 1; wave <= wavesOf(rollout, hosts); wave += 1) {
    const mine = hosts.filter((host) => turnOf(host, rollout) === wave);
    const count = (state: RolloutHost['state']): number => mine.filter((host) => host.state === state).length;
    const told = mine.filter(({ state }) => state === 'published');
    let [applied, confirmed] = [0, 0];
    for (const { host, rev } of told) {
      const status = (await words.of(host))?.last.report.status;
      if ((status?.applied ?? 0) >= rev) applied += 1;
      if ((status?.confirmed ?? 0) >= rev) confirmed += 1;
    }
    list.push({
      ...{ wave, share: waves[wave - 1]?.share ?? '100%', hosts: mine.length },
      ...{ planned: count('planned'), deferred: count('deferred'), published: count('published') },
      ...{ withdrawn: count('withdrawn'), excluded: count('excluded'), left: count('left') },
      ...{ applied, verified: told.filter(({ verified }) => verified).length, confirmed },
      reverted: told.filter(({ reverted }) => reverted !== undefined).length,
      silent: told.filter(({ heard }) => heard === 'stale').length,
      ...(wave > waves.length && { tail: true }),
    });
  }
  return list;
}

/** What it waits for; nothing where it moves by itself or has ended. */
function waitsOf({ rollout, hosts, judgement, periods }: Look): Waiting | undefined {
  const { state, changedMs, plan } = rollout;
  switch (state.is) {
    case 'PAUSED':
      return { for: state.cause.code === 'TELEMETRY' ? 'telemetry' : 'resume', since: state.cause.at };
    case 'ROLLED_BACK': {
      const left = hosts.filter(isOutstanding).length;
      return left === 0 ? undefined : { for: 'withdrawn', since: changedMs, hosts: left };
    }
    case 'RUNNING':
      break;
    default:
      return undefined;
  }
  const { step } = state;
  if (step.at === 'PUBLISH') {
    const left = hosts.filter(isMissing).length;
    return { for: step.wave > plan.waves.length ? 'tail' : 'hosts', since: changedMs, hosts: left };
  }
  if (step.at === 'CONVERGE') {
    const left = hosts.filter(({ state: is, wave, verified }) => is === 'published' && wave === step.wave && !verified);
    const { ms, lookedAtMs } = step.waited;
    const since = Math.max(0, Math.round(lookedAtMs - ms));
    return { for: 'verified', since, until: since + periods.convergeMs, hosts: left.length };
  }
  if (step.at !== 'SOAK') return undefined;
  const since = Math.max(0, Math.round(step.soaked.lookedAtMs - step.soaked.ms - step.undecidedMs));
  if (judgement.verdict !== 'PASS') return { for: waitOf(judgement.cause), since };
  const until = Math.round(step.soaked.lookedAtMs + plan.soakMs - step.soaked.ms);
  if (step.soaked.ms < plan.soakMs) return { for: 'soak', since, until };
  const open = hosts.filter(({ state: is, wave, settled }) => is === 'published' && wave === step.wave && !settled);
  return { for: 'confirmed', since: until, hosts: open.length };
}

function waitOf(cause: Look['judgement']['cause']): Waiting['for'] {
  if (cause?.code === 'NO_TRAFFIC') return 'traffic';
  if (cause?.code === 'TELEMETRY') return 'telemetry';
  return cause?.gate === 'external' ? 'external' : 'gates';
}

/** The hosts that what comes next waits for. */
async function holdUpsOf({ rollout, hosts }: Look, words: Words): Promise<readonly HoldUp[]> {
  const found: HoldUp[] = [];
  for (const now of hosts) {
    const is = hindranceOf(now, rollout.state.is);
    if (is === undefined) continue;
    const report = (await words.of(now.host))?.last.report;
    const trouble = report?.status.exceptions.find(({ name }) => name === now.reverted);
    const code = trouble?.code ?? (is === now.hindrance?.state ? now.hindrance.code : undefined);
    found.push({
      ...{ host: now.host, wave: turnOf(now, rollout), state: now.state, is },
      ...(now.rev > 0 && { rev: now.rev, ...(report !== undefined && { at: report.status.verified }) }),
      seenAt: report?.seenAtMs ?? null,
      ...(code !== undefined && { code }),
      ...(trouble !== undefined && { name: trouble.name }),
    });
  }
  return found;
}

function hindranceOf(now: Look['hosts'][number], state: RolloutHead['state']): string | undefined {
  if (isOutstanding(now)) return 'outstanding';
  if (state === 'DONE' || state === 'ROLLED_BACK') return undefined;
  if (isMissing(now))
    return now.heard === 'stale' ? 'silent' : isReady(now) ? undefined : (now.hindrance?.state ?? 'unheard');
  if (now.state !== 'published') return undefined;
  if (now.reverted !== undefined) return 'reverted';
  if (!now.verified) return now.heard === 'stale' ? 'silent' : 'unverified';
  return now.settled ? undefined : 'unconfirmed';
}

async function evidenceOf(
  { session, tables }: Transaction,
  id: string,
  { evidence = DEFAULT_EVIDENCE, after = 0 }: RolloutStatusRequest,
): Promise<readonly Evidence[]> {
  if (evidence === 0) return [];
  return (await tables.rolloutEvidence.newest(session, id, after, evidence)).map(lineOf);
}

function lineOf({ number, at_ms, wave, detail }: RolloutEvidenceRow): Evidence {
  const said = JSON.parse(detail) as Omit<Evidence, 'seq' | 'at' | 'wave'>;
  return { seq: number, at: at_ms, wave, ...said, message: said.message.slice(0, MAX_TEXT) };
}

const MAX_TEXT = 512;
