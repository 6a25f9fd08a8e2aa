import type { Cause } from '../../protocol/rollout.ts';
import { countText, someText } from '../model/count-words.ts';
import type { RolloutEvent, RolloutState, Step, Waited } from '../model/rollout.ts';
import { causeOf, fail, passedText, pause } from './outcome.ts';
import { type Decision, isMissing, isReady, type RolloutHostNow, type Snapshot } from './snapshot.ts';
import { countOf } from './waves.ts';

type At<Name extends Step['at']> = Extract<Step, { readonly at: Name }>;

/** Tells the next hosts of a wave; those that are not there are put off, and others take their place. */
export function publish(snapshot: Snapshot, step: At<'PUBLISH'>, nowMs: number): Decision | undefined {
  const { hosts, deferred, waits } = nextOf(snapshot, step);
  if (hosts.length + deferred.length > 0) {
    const to: RolloutState = { is: 'RUNNING', step: hosts.length > 0 ? { ...step, told: true } : step };
    const message = publishedText(snapshot, step.wave, hosts, deferred);
    return { act: { do: 'publish', hosts, deferred }, to, said: { what: 'published', message } };
  }
  if (waits) return undefined;
  if (step.told) return turn({ at: 'CONVERGE', wave: step.wave, waited: waited(nowMs) });
  const missing = snapshot.hosts.filter(isMissing);
  if (missing.some(({ heard }) => heard === 'unknown')) return undefined;
  if (isLetAlone(snapshot, missing, step.wave)) return turn({ at: 'PROMOTE', wave: lastWaveOf(snapshot) });
  return pause(step, noHosts(missing.length, nowMs));
}

/** Whether the rest may have it unjudged when they return: some have it, and no more are left than may be silent, and are. */
function isLetAlone(snapshot: Snapshot, missing: readonly RolloutHostNow[], wave: number): boolean {
  if (!snapshot.hosts.some(({ state }) => state === 'published')) return false;
  if (missing.length === 0) return true;
  return wave > 1 && missing.length <= budgetOf(snapshot, wave) && missing.every(({ heard }) => heard === 'stale');
}

function noHosts(missing: number, at: number): Cause {
  const detail =
    missing === 0
      ? 'no host that could be judged is left'
      : `of ${countText(missing, 'host')} that are left, none is heard, attached and does what it is told`;
  return { code: 'NO_HOSTS', at, detail };
}

/** A wave of which nobody is left, since all were left out or forgotten, has others in their place. */
export function refill(snapshot: Snapshot, { at, wave }: Step): Decision | undefined {
  if ((at !== 'CONVERGE' && at !== 'SOAK') || waveOf(snapshot, wave).length > 0) return undefined;
  return turn({ at: 'PUBLISH', wave }, { what: 'emptied', message: `wave ${wave}: nobody is left of it` });
}

interface Next {
  readonly hosts: readonly string[];
  readonly deferred: readonly string[];
  /** Of the next, nobody knows yet whether it is there. */
  readonly waits: boolean;
}

function nextOf({ rollout, hosts, hostsAtOnce }: Snapshot, { wave }: Step): Next {
  const told = hosts.filter((host) => host.state === 'published' && host.wave === wave).length;
  const room = (rollout.plan.waves[wave - 1]?.size ?? Number.POSITIVE_INFINITY) - told;
  const want = Math.min(room, hostsAtOnce);
  const taken: string[] = [];
  const deferred: string[] = [];
  for (const host of hosts.filter(({ state }) => state === 'planned')) {
    if (taken.length >= want) break;
    if (host.heard === 'unknown') return { hosts: taken, deferred, waits: true };
    (isReady(host) ? taken : deferred).push(host.host);
  }
  const late = hosts.filter((host) => host.state === 'deferred' && isReady(host)).map(({ host }) => host);
  return { hosts: [...taken, ...late.slice(0, Math.max(0, want - taken.length))], deferred, waits: false };
}

function publishedText(
  { rollout: { plan } }: Snapshot,
  wave: number,
  hosts: readonly string[],
  deferred: readonly string[],
): string {
  const which = wave > plan.waves.length ? 'late hosts' : `wave ${wave}`;
  const told = hosts.length === 0 ? [] : [`told ${someText(hosts)}`];
  const late = deferred.length === 0 ? [] : [`put off ${someText(deferred)}, which cannot take it now`];
  return `${which}: ${[...told, ...late].join('; ')}`;
}

/** Waits until the hosts of a wave have verified what they were told. */
export function converge(snapshot: Snapshot, step: At<'CONVERGE'>, nowMs: number): Decision | undefined {
  const late = waveOf(snapshot, step.wave).filter(({ verified }) => !verified);
  const isLet = late.every(({ heard }) => heard === 'stale') && silentOf(snapshot) <= budgetOf(snapshot, step.wave);
  if (late.length === 0 || isLet) {
    const message = `wave ${step.wave}: verified`;
    return turn({ at: 'SOAK', wave: step.wave, soaked: waited(nowMs), undecidedMs: 0 }, { what: 'converged', message });
  }
  const { periods, rollout } = snapshot;
  const now = looked(step.waited, nowMs, periods.tickMs);
  if (now.ms < periods.convergeMs) return turn({ ...step, waited: now });
  const [first] = late;
  const detail = `not verified in ${periods.convergeMs / 1000} s by ${someText(late.map(({ host }) => host))} of wave ${step.wave}`;
  return fail(rollout, step, { code: 'NOT_IN_TIME', at: nowMs, ...(first && { host: first.host }), detail });
}

/** Goes on once the gates passed for as long as was asked for. */
export function soak(snapshot: Snapshot, step: At<'SOAK'>, nowMs: number): Decision | undefined {
  const { rollout, judgement, periods } = snapshot;
  const { soakMs } = rollout.plan;
  if (rollout.skipped === step.wave) return afterWave(snapshot, step.wave);
  const now = looked(step.soaked, nowMs, periods.tickMs);
  const dt = now.ms - step.soaked.ms;
  const passes = judgement.verdict === 'PASS';
  if (passes && now.ms < soakMs) return turn({ ...step, soaked: now });
  if (passes && isSettled(snapshot, step.wave)) return afterWave(snapshot, step.wave);
  const undecidedMs = step.undecidedMs + dt;
  const soaked = passes ? now : { ms: step.soaked.ms, lookedAtMs: nowMs };
  if (undecidedMs < Math.max(soakMs, periods.undecidedMs)) return turn({ ...step, soaked, undecidedMs });
  return pause({ ...step, soaked }, undecided(snapshot, nowMs));
}

function undecided({ judgement: { cause } }: Snapshot, at: number): Cause {
  const code = cause?.code === 'NO_TRAFFIC' || cause?.code === 'TELEMETRY' ? cause.code : 'INCONCLUSIVE';
  if (cause === undefined) return { code, at, detail: 'hosts are not confirmed to be still reachable' };
  return causeOf(code, at, cause);
}

/** What a soaked wave leads to. */
function afterWave(snapshot: Snapshot, wave: number): Decision {
  const last = snapshot.rollout.plan.waves.length;
  const said = soakedEvent(snapshot, wave);
  if (wave < last) return turn({ at: 'PUBLISH', wave: wave + 1 }, said);
  const missing = snapshot.hosts.filter(isMissing);
  if (missing.length === 0) return turn({ at: 'PROMOTE', wave }, said);
  return turn({ at: 'PUBLISH', wave: last + 1 }, said);
}

function soakedEvent({ judgement, rollout }: Snapshot, wave: number): RolloutEvent {
  if (rollout.skipped === wave) return { what: 'soaked', message: `wave ${wave}: let by, whatever gates say` };
  return { what: 'soaked', verdict: 'PASS', message: `wave ${wave}: soaked; ${passedText(judgement.gates)}` };
}

/** Looks whether anybody is left, and makes it so for all. */
export function promote(snapshot: Snapshot, step: Step, nowMs: number): Decision {
  const { hosts, joined, rollout } = snapshot;
  const { wave } = step;
  const tail: Step = { at: 'PUBLISH', wave: rollout.plan.waves.length + 1 };
  if (joined.length > 0) {
    const message = `joined meanwhile: ${someText(joined)}; told with the late hosts`;
    return { act: { do: 'join', hosts: joined }, to: { is: 'RUNNING', step: tail }, said: { what: 'joined', message } };
  }
  const back = hosts.filter((host) => isMissing(host) && host.heard === 'fresh');
  if (back.length > 0)
    return turn(tail, {
      what: 'tail',
      message: `heard again: ${someText(back.map(({ host }) => host))}; told with the late hosts`,
    });
  if (!hosts.some(({ state }) => state === 'published'))
    return pause(step, noHosts(hosts.filter(isMissing).length, nowMs));
  return {
    act: { do: 'promote' },
    to: { is: 'DONE', wave },
    said: { what: 'done', message: 'it stands for all hosts' },
  };
}

function turn(step: Step, said?: Decision['said']): Decision {
  return { act: { do: 'turn' }, to: { is: 'RUNNING', step }, ...(said !== undefined && { said }) };
}

function waveOf({ hosts }: Snapshot, wave: number): readonly RolloutHostNow[] {
  return hosts.filter((host) => host.state === 'published' && host.wave === wave);
}

function lastWaveOf({ hosts }: Snapshot): number {
  return Math.max(1, ...hosts.filter(({ state }) => state === 'published').map(({ wave }) => wave));
}

/** Whether no host of a wave that is heard may still take it back by itself. */
function isSettled(snapshot: Snapshot, wave: number): boolean {
  return waveOf(snapshot, wave).every(({ settled, heard }) => settled || heard === 'stale');
}

function silentOf({ hosts }: Snapshot): number {
  return hosts.filter(({ state, heard }) => state === 'published' && heard === 'stale').length;
}

interface Counting {
  readonly rollout: Pick<Snapshot['rollout'], 'plan'>;
  readonly hosts: readonly Pick<RolloutHostNow, 'state'>[];
}

/** How many hosts may be silent by a wave. */
export function budgetOf({ rollout: { plan }, hosts }: Counting, wave: number): number {
  const all = hosts.filter(({ state }) => state !== 'excluded' && state !== 'left').length;
  if (plan.maxUnreachable !== undefined) return countOf(plan.maxUnreachable, all, Math.floor);
  return wave === 1 ? 0 : Math.max(1, countOf('2%', all, Math.floor));
}

function waited(nowMs: number): Waited {
  return { ms: 0, lookedAtMs: nowMs };
}

/** Counts on; what nobody looked at does not count, but for two ticks. */
function looked({ ms, lookedAtMs }: Waited, nowMs: number, tickMs: number): Waited {
  const dt = Math.max(0, Math.min(nowMs - lookedAtMs, 2 * tickMs));
  return { ms: ms + dt, lookedAtMs: nowMs };
}
