import { formatGate } from '../../protocol/gate.ts';
import {
  MAX_WAVE_HOSTS,
  type PlannedWave,
  type RolloutStartReply,
  type RolloutStartRequest,
} from '../../protocol/rollout-start.ts';
import { noteChange } from '../desk/noting.ts';
import { joinSet } from '../desk/sets.ts';
import { countText } from '../model/count-words.ts';
import type { Plan, Rollout } from '../model/rollout.ts';
import { noteEvent } from './act.ts';
import { lookAt } from './host-look.ts';
import { gatesOfPlan, readWords } from './look.ts';
import { isReady, type Periods } from './snapshot.ts';
import { type Prepared, prepare, type Starting, wishesOf } from './start.ts';
import { headOf } from './status.ts';
import { budgetOf } from './steps.ts';

interface Beginning extends Starting {
  readonly periods: Periods;
}

/** Begins a rollout, or says what it would be. The same upload begins one once. Errors: Declined. */
export async function startRollout(beginning: Beginning, last: RolloutStartRequest): Promise<RolloutStartReply> {
  const { session, tables } = beginning.transaction;
  const before = await tables.rollouts.find(session, last.upload);
  if (before !== undefined) return again(beginning, before, last);
  const prepared = await prepare(beginning, last);
  await tables.uploads.drop(session, last.upload);
  const reply = await replyOf(beginning, last.upload, prepared);
  if (last.dryRun) return reply;
  if (last.set !== undefined) await joinSet(beginning.transaction, last.set, prepared.unchanged);
  if (prepared.specs.length === 0) return reply;
  const rollout = await begin(beginning, last.upload, prepared);
  return { ...reply, rollout: headOf(rollout, await tables.rolloutHosts.of(session, rollout.id)) };
}

/** From now on its names and keys are its own. */
async function begin({ transaction, clock, origin }: Starting, id: string, prepared: Prepared): Promise<Rollout> {
  const { session, tables } = transaction;
  const { specs, plan, planHash, hosts } = prepared;
  const { epoch } = await tables.epochs.newest(session);
  const nowMs = clock.nowMs();
  const rollout: Rollout = {
    ...{ id, plan, planHash, epoch, origin },
    state: { is: 'RUNNING', step: { at: 'PUBLISH', wave: 1 } },
    ...{ version: 1, startedMs: nowMs, changedMs: nowMs },
  };
  await tables.rollouts.begin(session, rollout);
  await tables.rolloutSpecs.begin(session, id, specs);
  for (const [at, host] of hosts.entries())
    await tables.rolloutHosts.put(session, id, { ...host, place: at + 1, state: 'planned', rev: 0, baseline: {} });
  const { created, changed, deleted } = plan;
  const detail = { rollout: id, created, changed, deleted, hosts: hosts.length };
  await noteChange(transaction, clock, { verb: 'rollout-start', detail, origin, rollout: id });
  const by = origin.actor === undefined ? {} : { actor: origin.actor };
  const message = [
    `begun: ${countText(specs.length, 'redirect')} for ${countText(hosts.length, 'host')}`,
    `in ${countText(plan.waves.length, 'wave')}`,
  ].join(' ');
  await noteEvent(transaction, rollout, { what: 'started', ...by, message });
  return rollout;
}

async function replyOf(beginning: Beginning, upload: string, prepared: Prepared): Promise<RolloutStartReply> {
  const { plan, unchanged, hosts } = prepared;
  const late = await lateOf(beginning, prepared);
  return {
    ...planned(upload, plan, hosts, unchanged.length),
    ...(late.length > 0 && { late: late.slice(0, MAX_WAVE_HOSTS), lateTotal: late.length }),
  };
}

/** The same upload again: it was begun already. */
async function again(
  { transaction: { session, tables } }: Beginning,
  rollout: Rollout,
  { upload }: RolloutStartRequest,
): Promise<RolloutStartReply> {
  const hosts = await tables.rolloutHosts.of(session, rollout.id);
  return { ...planned(upload, rollout.plan, hosts, 0), rollout: headOf(rollout, hosts), already: true };
}

function planned(upload: string, plan: Plan, hosts: Prepared['hosts'], unchanged: number): RolloutStartReply {
  const { created, changed, deleted, soakMs } = plan;
  return {
    ...{ v: 1, upload, created, changed, unchanged, deleted },
    waves: plan.waves.map(({ share }, at) => plannedWave(share, at + 1, hosts)),
    hostsTotal: hosts.length,
    ...{ gates: gatesOfPlan(plan, 1).map(formatGate), soakMs, maxUnreachable: allowedOf(plan, hosts.length) },
  };
}

function plannedWave(share: string, wave: number, hosts: Prepared['hosts']): PlannedWave {
  const mine = hosts.filter((host) => host.wave === wave).map(({ host }) => host);
  return { share, hosts: mine.slice(0, MAX_WAVE_HOSTS), hostsTotal: mine.length };
}

/** Hosts that would have to be put off, were it their turn now. */
async function lateOf(
  { transaction, clock, periods }: Beginning,
  { hosts, specs, plan: { firstRev } }: Prepared,
): Promise<readonly string[]> {
  const words = await readWords(transaction);
  const { freshMs } = periods;
  const keys = new Set(wishesOf(specs).keys);
  const listener = { nowMs: clock.nowMs(), awakeMs: freshMs, freshMs, keys, firstRev };
  const late: string[] = [];
  for (const { host, wave } of hosts) {
    const row = { host, wave, place: 0, state: 'planned', rev: 0, baseline: {} } as const;
    if (!isReady(lookAt(row, await words.of(host), listener))) late.push(host);
  }
  return late;
}

/** How many hosts may be silent after the first wave. */
function allowedOf(plan: Plan, hosts: number): string {
  if (plan.maxUnreachable !== undefined) return plan.maxUnreachable;
  const all = Array.from({ length: hosts }, () => ({ state: 'planned' }) as const);
  return String(budgetOf({ rollout: { plan }, hosts: all }, 2));
}
