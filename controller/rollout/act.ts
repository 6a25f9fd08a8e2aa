import type { Clock } from '../../daemon/clock.ts';
import type { Confirm } from '../../protocol/intent.ts';
import { Concern } from '../compile/concern.ts';
import { requireNoLoops } from '../desk/no-loops.ts';
import { noteChange } from '../desk/noting.ts';
import { convergeKeys, convergeOn } from '../log/converge.ts';
import type { LogTransaction, Transaction } from '../log/transaction.ts';
import { claimOf, type HostFacts } from '../model/claim.ts';
import { isActive, type Rollout, type RolloutEvent, type RolloutHost, waveOf } from '../model/rollout.ts';
import type { Head } from '../store/tables/heads.ts';
import type { RolloutSpec } from '../store/tables/rollout-specs.ts';
import { rowFrom } from '../store/tables/spec-row.ts';
import type { About } from './about.ts';
import { baselineOf } from './host-look.ts';
import { readWords, type Words } from './look.ts';
import { permitOwn } from './permit-own.ts';
import type { Act, Decision } from './snapshot.ts';

/** What is known of a rollout that something is done to. */
interface Acting {
  readonly transaction: LogTransaction;
  readonly clock: Pick<Clock, 'nowMs' | 'token'>;
  readonly about: About;
  readonly hosts: readonly RolloutHost[];
  readonly words: Words;
  readonly rollout: Rollout;
}

/** What takes more than another state. */
export type LogAct = Exclude<Act, { readonly do: 'turn' }>;

/**
 * Does what was decided, if nobody did anything else to the rollout since it was seen: all of it in this transaction. Answers
 * whether it was done. Errors: Declined REDIRECT_LOOP, where packets would go round between hosts that have it and others.
 */
export async function carryOut(seen: Acting, act: LogAct, next: Pick<Decision, 'to' | 'said'>): Promise<boolean> {
  const { transaction, clock } = seen;
  const rollout = await moveTo(transaction, seen.rollout, next, clock.nowMs());
  if (rollout === undefined) {
    await transaction.log.finish();
    return false;
  }
  await perform({ ...seen, rollout }, act);
  if (act.do === 'publish' || act.do === 'promote')
    await requireNoLoops(transaction, seen.about.sending, clock.nowMs());
  return true;
}

/** Compares and sets; undefined: somebody else was first. */
export async function moveTo(
  transaction: Transaction,
  before: Rollout,
  { to, said }: Pick<Decision, 'to' | 'said'>,
  nowMs: number,
  more: Partial<Rollout> = {},
): Promise<Rollout | undefined> {
  const { session, tables } = transaction;
  const ended = isActive(to) ? {} : { endedMs: before.endedMs ?? nowMs };
  const rollout = { ...before, ...more, ...ended, state: to, version: before.version + 1, changedMs: nowMs };
  if (!(await tables.rollouts.move(session, before.version, rollout))) return undefined;
  if (said !== undefined) await noteEvent(transaction, rollout, said);
  return rollout;
}

/** Notes what happened to a rollout. */
export async function noteEvent(
  { session, tables }: Transaction,
  { id, version, changedMs, state }: Rollout,
  said: RolloutEvent,
): Promise<void> {
  const step = 'step' in state && { step: state.step.at };
  const detail = JSON.stringify({ ...said, state: state.is, ...step });
  const row = { rollout: id, number: version, at_ms: changedMs, what: said.what, wave: waveOf(state), detail };
  await tables.rolloutEvidence.add(session, row);
}

async function perform(acting: Acting, act: LogAct): Promise<void> {
  switch (act.do) {
    case 'publish':
      await publish(acting, act.hosts, act.deferred);
      return;
    case 'withdraw':
      await withdraw(acting, act.hosts);
      return;
    case 'join':
      await join(acting, act.hosts);
      await acting.transaction.log.finish();
      return;
    case 'free':
      await acting.transaction.tables.rolloutSpecs.free(acting.transaction.session, acting.rollout.id);
      await acting.transaction.log.finish();
      await note(acting, 'rollout-rolled-back', []);
      return;
    case 'promote':
      await promote(acting);
  }
}

/** Hosts that are left out give back what they have of it. */
export async function leaveOut(
  transaction: LogTransaction,
  clock: Acting['clock'],
  known: Pick<Acting, 'rollout' | 'hosts' | 'about'>,
  hosts: readonly string[],
): Promise<void> {
  const acting = { ...known, transaction, clock, words: await readWords(transaction) };
  const had = known.hosts.filter(({ host, state }) => state === 'published' && hosts.includes(host));
  for (const host of hosts) await set(acting, host, { state: 'excluded' });
  const heads = await write(
    acting,
    had.map(({ host }) => host),
  );
  await permitOwn(transaction, acting.words, heads, new Set(known.about.keys));
}

async function publish(acting: Acting, hosts: readonly string[], deferred: readonly string[]): Promise<void> {
  const { words, about, rollout } = acting;
  const keys = new Set(about.keys);
  const wave = waveOf(rollout.state);
  for (const host of deferred) await set(acting, host, { state: 'deferred' });
  for (const host of hosts)
    await set(acting, host, { state: 'published', wave, baseline: baselineOf(await words.of(host), keys) });
  const heads = await write(acting, hosts, { withinMs: rollout.plan.withinMs });
  if (rollout.plan.allowShrink) await permitOwn(acting.transaction, words, heads, keys);
}

async function withdraw(acting: Acting, hosts: readonly string[]): Promise<void> {
  for (const host of hosts) await set(acting, host, { state: 'withdrawn' });
  const heads = await write(acting, hosts);
  await permitOwn(acting.transaction, acting.words, heads, new Set(acting.about.keys));
}

/** Writes the logs of hosts, and keeps how far that went. Answers their heads. */
async function write(acting: Acting, hosts: readonly string[], confirm?: Confirm): Promise<readonly Head[]> {
  const { session, tables, log } = acting.transaction;
  log.name(acting.about.names);
  await converge(acting, hosts, confirm);
  await log.finish();
  const heads: Head[] = [];
  for (const host of hosts) heads.push(await tables.heads.find(session, host));
  for (const { host, rev } of heads) await set(acting, host, { rev });
  return heads;
}

/** An agent that cannot confirm a change gets it as it is. */
async function converge(
  { transaction, about, words }: Acting,
  hosts: readonly string[],
  confirm?: Confirm,
): Promise<void> {
  const facts = hosts.map((host) => words.fleet.get(host));
  const [able, others] = [facts.filter(canConfirm), facts.filter((host) => !canConfirm(host))];
  transaction.log.publish(confirm);
  await convergeOn(transaction, able, about.keys);
  transaction.log.publish(undefined);
  await convergeOn(transaction, others, about.keys);
}

function canConfirm({ can }: HostFacts): boolean {
  return can.includes('confirm');
}

async function join(acting: Acting, hosts: readonly string[]): Promise<void> {
  const { session, tables } = acting.transaction;
  const { id, plan } = acting.rollout;
  const last = Math.max(0, ...acting.hosts.map(({ place }) => place));
  for (const [at, host] of hosts.entries()) {
    const row = { host, place: last + 1 + at, wave: plan.waves.length + 1, rev: 0, baseline: {} };
    await tables.rolloutHosts.put(session, id, { ...row, state: 'planned' });
  }
}

async function set({ transaction, rollout }: Acting, host: string, to: Partial<RolloutHost>): Promise<void> {
  const { session, tables } = transaction;
  const row = await tables.rolloutHosts.find(session, rollout.id, host);
  if (row !== undefined) await tables.rolloutHosts.put(session, rollout.id, { ...row, ...to });
}

/** What it brought is what specs say from now on. Hosts that have it get nothing by that; those that it left out get it now. */
async function promote(acting: Acting): Promise<void> {
  const { transaction, rollout, about } = acting;
  const { session, tables, log } = transaction;
  const specs = await tables.rolloutSpecs.of(session, rollout.id);
  const concern = new Concern();
  await tables.rolloutSpecs.free(session, rollout.id);
  for (const spec of specs) await store(transaction, spec, rollout.plan.set, concern);
  log.leave(specs.filter(({ after }) => after === undefined).map(({ name }) => name));
  log.name(about.names);
  const left = acting.hosts.filter(({ state }) => state !== 'published').map(({ host }) => host);
  await converge(acting, left, { withinMs: rollout.plan.withinMs });
  await convergeKeys(transaction, concern, about.names, await tables.hosts.fleet(session));
  const { heads } = await log.finish();
  if (rollout.plan.allowShrink) await permitOwn(transaction, acting.words, heads, new Set(about.keys));
  await note(acting, 'rollout', specs);
}

/** Makes a spec what a rollout has it be. */
export async function store(
  { session, tables, damage }: LogTransaction,
  { name, before, after }: RolloutSpec,
  setName: string | undefined,
  concern: Concern,
): Promise<void> {
  if (before !== undefined) concern.add(claimOf(before));
  if (after === undefined) {
    for (const was of (await tables.specs.delete(session, [name])).values()) concern.add(was);
    await tables.sets.drop(session, [name]);
    return;
  }
  for (const put of await tables.specs.put(session, [rowFrom(after)], damage !== undefined)) {
    if (put.before !== undefined) concern.add(put.before);
    concern.add(put.after);
  }
  if (setName !== undefined) await tables.sets.put(session, name, setName);
}

async function note(
  { transaction, clock, rollout, hosts }: Acting,
  verb: string,
  specs: readonly RolloutSpec[],
): Promise<void> {
  const { log } = transaction;
  const { revs, heads } = log.requireResult();
  const told = new Map(hosts.filter(({ state }) => state === 'published').map(({ host, rev }) => [host, rev]));
  for (const { host, rev } of heads) told.set(host, rev);
  await noteChange(transaction, clock, {
    verb,
    detail: { rollout: rollout.id },
    origin: rollout.origin,
    deeds: specs.map(deedOf),
    log: {
      revs: { first: Math.min(rollout.plan.firstRev, revs.first), last: revs.last },
      heads: [...told].map(([host, rev]) => ({ host, rev })),
    },
    departures: log.departures,
    rollout: rollout.id,
  });
}

/** What a rollout does to a redirect. */
export function deedOf({ name, before, after }: RolloutSpec) {
  const is = after ?? before;
  const what = after === undefined ? 'deleted' : before === undefined ? 'created' : 'changed';
  return { name, key: is === undefined ? '' : claimOf(is).key, what } as const;
}
