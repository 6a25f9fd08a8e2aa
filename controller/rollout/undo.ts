import type { Clock } from '../../daemon/clock.ts';
import type { Origin } from '../../protocol/origin.ts';
import { MAX_OVERWRITTEN, type RolloutReply } from '../../protocol/rollout-acts.ts';
import { parseStoredSpec, type Spec, specToJson } from '../../protocol/spec.ts';
import { Concern } from '../compile/concern.ts';
import { requireFree } from '../desk/holds.ts';
import { noteChange } from '../desk/noting.ts';
import { convergeKeys } from '../log/converge.ts';
import type { LogTransaction } from '../log/transaction.ts';
import { someText } from '../model/count-words.ts';
import { Declined } from '../model/declined.ts';
import type { Plan, Rollout } from '../model/rollout.ts';
import type { RolloutSpec } from '../store/tables/rollout-specs.ts';
import { deedOf, noteEvent, store } from './act.ts';
import { readWords } from './look.ts';
import { permitOwn } from './permit-own.ts';
import { countsOf, wishesOf } from './start.ts';

const ID_BYTES = 16;

/** What undoing came to: the rollout that did it, which is done with that. */
export type Undone = Pick<RolloutReply, 'already' | 'overwritten' | 'overwrittenTotal'> & { readonly rollout: Rollout };

/**
 * Makes everything again as it was before a rollout that is done, in one transaction, by what was kept with it. Errors: Declined
 * CHANGED_SINCE, where its redirects were changed since and it is not forced.
 */
export async function undo(
  transaction: LogTransaction,
  clock: Pick<Clock, 'nowMs' | 'token'>,
  done: Rollout,
  { force = false, origin }: { readonly force?: boolean; readonly origin: Origin },
): Promise<Undone> {
  const { log } = transaction;
  requireDone(done);
  const { specs, moved, already } = await reversal(transaction, done.id);
  if (already || done.state.is === 'ROLLED_BACK') {
    await log.finish();
    return { rollout: done, already: true };
  }
  await requireFree(transaction, wishesOf(specs));
  if (moved.length > 0 && !force) throw changedSince(done.id, moved);
  const concern = new Concern();
  for (const spec of specs) await store(transaction, spec, done.plan.wasIn?.[spec.name], concern);
  await leaveSet(transaction, done, specs);
  log.leave(specs.filter(({ after }) => after === undefined).map(({ name }) => name));
  await convergeKeys(
    transaction,
    concern,
    specs.map(({ name }) => name),
    await transaction.tables.hosts.fleet(transaction.session),
  );
  const { revs, heads } = await log.finish();
  const rollout = await keep(transaction, clock, done, { specs, heads, origin, firstRev: revs.first });
  await permitOwn(transaction, await readWords(transaction), heads, new Set(wishesOf(specs).keys));
  const { departures } = log;
  const detail = { rollout: rollout.id, of: done.id };
  const deeds = specs.map(deedOf);
  await noteChange(transaction, clock, {
    ...{ verb: 'rollout-rollback', detail, origin, deeds, departures, rollout: rollout.id },
    log: { revs, heads },
  });
  return {
    rollout,
    ...(moved.length > 0 && { overwritten: moved.slice(0, MAX_OVERWRITTEN), overwrittenTotal: moved.length }),
  };
}

function requireDone({ id, state }: Rollout): void {
  if (state.is === 'DONE' || state.is === 'ROLLED_BACK') return;
  throw new Declined('ROLLOUT_ACTIVE', `rollout ${id} has not ended; take it back with shunt rollout abort ${id}`);
}

/** What was in no set before is in none again. */
async function leaveSet(
  { session, tables }: LogTransaction,
  { plan }: Rollout,
  specs: readonly RolloutSpec[],
): Promise<void> {
  if (plan.set === undefined) return;
  const leave = specs.filter(({ name }) => plan.wasIn?.[name] === undefined);
  await tables.sets.drop(
    session,
    leave.map(({ name }) => name),
  );
}

/** What each redirect is now and is to be again; those that are not as the rollout left them moved. */
async function reversal({ session, tables }: LogTransaction, id: string) {
  const specs: RolloutSpec[] = [];
  const moved: string[] = [];
  for (const { name, before, after } of await tables.rolloutSpecs.of(session, id)) {
    const stored = await tables.specs.find(session, name);
    const now = stored && parseStoredSpec(stored.json);
    if (isSame(now, before)) continue;
    if (!isSame(now, after)) moved.push(name);
    specs.push({ name, before: now, after: before });
  }
  return { specs, moved, already: specs.length === 0 };
}

function isSame(one: Spec | undefined, other: Spec | undefined): boolean {
  const [a, b] = [one, other].map((spec) => spec && JSON.stringify(specToJson(spec)));
  return a === b;
}

function changedSince(id: string, moved: readonly string[]): Declined {
  return new Declined(
    'CHANGED_SINCE',
    `changed since rollout ${id}: ${someText(moved, MAX_OVERWRITTEN)}; nothing was changed: see shunt history, and overwrite them with --force`,
  );
}

interface Keeping {
  readonly specs: readonly RolloutSpec[];
  readonly heads: readonly { readonly host: string; readonly rev: number }[];
  readonly origin: Origin;
  readonly firstRev: number;
}

async function keep(
  transaction: LogTransaction,
  clock: Pick<Clock, 'nowMs' | 'token'>,
  done: Rollout,
  { specs, heads, origin, firstRev }: Keeping,
): Promise<Rollout> {
  const { session, tables } = transaction;
  const nowMs = clock.nowMs();
  const plan: Plan = {
    waves: [{ share: '100%', size: heads.length }],
    soakMs: 0,
    gates: [],
    onFail: 'rollback',
    now: true,
    withinMs: done.plan.withinMs,
    firstRev,
    ...countsOf(specs),
  };
  const rollout: Rollout = {
    ...{ id: clock.token(ID_BYTES), plan, planHash: '', epoch: done.epoch, origin, of: done.id },
    ...{ state: { is: 'DONE', wave: 1 }, version: 1, startedMs: nowMs, changedMs: nowMs, endedMs: nowMs },
  };
  await tables.rollouts.begin(session, rollout);
  await tables.rolloutSpecs.keep(session, rollout.id, specs);
  for (const [at, { host, rev }] of heads.entries())
    await tables.rolloutHosts.put(session, rollout.id, {
      host,
      rev,
      place: at + 1,
      wave: 1,
      state: 'published',
      baseline: {},
    });
  await noteEvent(transaction, rollout, { what: 'done', message: `undid rollout ${done.id}` });
  return rollout;
}
