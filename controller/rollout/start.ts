import type { Clock } from '../../daemon/clock.ts';
import { textDigest } from '../../protocol/digest.ts';
import { formatGate, parseGate } from '../../protocol/gate.ts';
import type { Origin } from '../../protocol/origin.ts';
import type { RolloutStartRequest } from '../../protocol/rollout-start.ts';
import { parseStoredSpec, type Spec, specToJson } from '../../protocol/spec.ts';
import type { Proposal } from '../compile/preview.ts';
import { requireFree, type Wishes } from '../desk/holds.ts';
import { readProposal } from '../desk/proposal.ts';
import { requirePrunable } from '../desk/sets.ts';
import { requireBasis } from '../desk/stale.ts';
import type { Transaction } from '../log/transaction.ts';
import { claimOf } from '../model/claim.ts';
import { Declined } from '../model/declined.ts';
import type { Plan } from '../model/rollout.ts';
import type { Hear } from '../ports.ts';
import type { RolloutSpec } from '../store/tables/rollout-specs.ts';
import { effectsOf, requireModest } from './effects.ts';
import { requireNoWaveLoops } from './wave-loops.ts';
import { DEFAULT_WAVES, orderOf, type Wave, wavesOf } from './waves.ts';

/** How long a rollout soaks, by configuration. */
export interface Soaks {
  readonly defaultMs: number;
  /** Below that, somebody says why. */
  readonly leastMs: number;
}

export interface Starting {
  readonly transaction: Transaction;
  readonly clock: Pick<Clock, 'nowMs' | 'token'>;
  readonly soaks: Soaks;
  readonly hear: Hear;
  readonly origin: Origin;
}

/** What is to begin. */
export interface Prepared {
  readonly specs: readonly RolloutSpec[];
  /** What stands already as it is to be, by name. */
  readonly unchanged: readonly string[];
  readonly plan: Plan;
  readonly planHash: string;
  /** In the order in which they have their turn, each with its wave. */
  readonly hosts: readonly { readonly host: string; readonly wave: number }[];
}

const WITHIN_MS = 60_000;
/** So long the same plan is not begun again after it was rolled back. */
const AGAIN_MS = 10 * 60_000;

/** Makes a rollout of an upload, and looks whether it may begin. Errors: Declined. */
export async function prepare(starting: Starting, last: RolloutStartRequest): Promise<Prepared> {
  const { transaction, clock, hear, soaks } = starting;
  requireSoak(last, soaks);
  if (transaction.damage !== undefined)
    throw new Declined(
      'SPECS_DAMAGED',
      'redirects are missing from the database; see shunt hosts, and mend that first',
    );
  await requireBasis(transaction, last, clock.nowMs());
  const { specs, proposal, unchanged } = await read(transaction, last, clock.nowMs());
  const planHash = textDigest(JSON.stringify(specs.map(({ name, after }) => [name, after && specToJson(after)])));
  await requireFree(transaction, wishesOf(specs));
  if (last.again !== true) await requireNotJustRolledBack(transaction, planHash, clock.nowMs());
  const effects = await effectsOf(proposal, transaction.turn, hear);
  requireModest(effects, last);
  const hosts = orderOf(effects.hosts, last.upload, last.spread);
  if (specs.length > 0 && hosts.length === 0)
    throw new Declined(
      'NO_HOSTS',
      'none of its redirects is for a host that ever reported; nothing would be judged: use shunt apply',
    );
  const waves = wavesOf(last.now ? ['100%'] : (last.waves ?? DEFAULT_WAVES), hosts.length);
  const order = dealt(hosts, waves);
  await requireNoWaveLoops(transaction, proposal, order);
  const firstRev = (await transaction.tables.epochs.lastRev(transaction.session)) + 1;
  const wasIn = await setsOf(transaction, specs, last.set !== undefined);
  const plan = { ...planOf(last, specs, soaks), firstRev, waves, ...(Object.keys(wasIn).length > 0 && { wasIn }) };
  return { specs, unchanged, plan, planHash, hosts: order };
}

/** What redirects of a rollout want to hold. */
export function wishesOf(specs: readonly RolloutSpec[]): Wishes {
  const all = specs.flatMap(({ before, after }) => [before, after]);
  return {
    names: specs.map(({ name }) => name),
    keys: new Set(all.flatMap((spec) => (spec === undefined ? [] : [claimOf(spec).key]))),
  };
}

function requireSoak({ soakMs, now, reason }: RolloutStartRequest, { leastMs }: Soaks): void {
  if (now || soakMs === undefined || soakMs >= leastMs || reason !== undefined) return;
  throw new Declined(
    'BAD_REQUEST',
    `a soak of ${soakMs / 1000} s is less than ${leastMs / 1000} s; say why with --reason, or leave it longer`,
  );
}

interface Read {
  readonly specs: readonly RolloutSpec[];
  readonly proposal: Proposal;
  readonly unchanged: readonly string[];
}

async function read(transaction: Transaction, last: RolloutStartRequest, nowMs: number): Promise<Read> {
  const { v, upload, part, parts, specs: sent, set } = last;
  const goes = [...(last.prune ?? []), ...(last.delete ?? [])];
  const asked = { v, upload, part, parts, specs: sent, delete: goes, ...(set !== undefined && { set }) };
  const comes = new Map<string, Spec>();
  const unchanged: string[] = [];
  const { head, ...proposal } = await readProposal(transaction, asked, ({ name, spec }, { same }) => {
    if (same) unchanged.push(name);
    else comes.set(name, parseStoredSpec(JSON.parse(spec)));
  });
  if (last.prune !== undefined) await requirePrunable(transaction, last, [...unchanged, ...comes.keys()]);
  const names = [...comes.keys(), ...goes.filter((name) => !head.absent.includes(name))].sort();
  const specs: RolloutSpec[] = [];
  for (const name of names) {
    const stored = await transaction.tables.specs.find(transaction.session, name);
    const before = stored && parseStoredSpec(stored.json);
    specs.push({ name, before, after: comes.get(name) });
  }
  const moves = proposal.moves.filter(({ same }) => !same);
  return { specs, unchanged, proposal: { ...proposal, moves, nowMs } };
}

async function requireNotJustRolledBack(
  { session, tables }: Transaction,
  planHash: string,
  nowMs: number,
): Promise<void> {
  const same = await tables.rollouts.ofPlan(session, planHash, nowMs - AGAIN_MS);
  const back = same.find(({ state }) => state.is === 'ROLLED_BACK');
  if (back === undefined) return;
  const minutes = Math.round((nowMs - (back.endedMs ?? nowMs)) / 60_000);
  throw new Declined(
    'JUST_ROLLED_BACK',
    `the same was rolled back ${minutes} min ago, as rollout ${back.id}; see shunt rollout status ${back.id}, and repeat it with --again`,
  );
}

/** The sets that redirects are in which are to go or, where all are put into a set, to change. */
async function setsOf({ session, tables }: Transaction, specs: readonly RolloutSpec[], all: boolean) {
  const wasIn: Record<string, string> = {};
  for (const { name, before, after } of specs) {
    if (before === undefined || (after !== undefined && !all)) continue;
    const set = await tables.sets.of(session, name);
    if (set !== undefined) wasIn[name] = set;
  }
  return wasIn;
}

function planOf(
  last: RolloutStartRequest,
  specs: readonly RolloutSpec[],
  { defaultMs }: Soaks,
): Omit<Plan, 'waves' | 'firstRev' | 'wasIn'> {
  const { now, gates = [], spread, maxUnreachable, onFail = 'rollback', noTrafficOk, allowShrink, set } = last;
  return {
    soakMs: now ? 0 : (last.soakMs ?? defaultMs),
    gates: gates.map((gate) => formatGate(parseGate(gate))),
    ...(spread !== undefined && { spread }),
    ...(maxUnreachable !== undefined && { maxUnreachable }),
    onFail,
    ...(noTrafficOk && { noTrafficOk }),
    ...(now && { now }),
    withinMs: last.withinMs ?? WITHIN_MS,
    ...countsOf(specs),
    ...(allowShrink && { allowShrink }),
    ...(set !== undefined && { set }),
  };
}

/** What becomes of its redirects, as its plan says it. */
export function countsOf(specs: readonly RolloutSpec[]): Pick<Plan, 'created' | 'changed' | 'deleted' | 'puts'> {
  const count = (is: (spec: RolloutSpec) => boolean): number => specs.filter(is).length;
  return {
    created: count(({ before }) => before === undefined),
    changed: count(({ before, after }) => before !== undefined && after !== undefined),
    deleted: count(({ after }) => after === undefined),
    puts: specs.some(({ after }) => after?.enabled),
  };
}

function dealt(hosts: readonly string[], waves: readonly Wave[]): Prepared['hosts'] {
  const numbers = waves.flatMap(({ size }, at) => Array<number>(size).fill(at + 1));
  return hosts.map((host, at) => ({ host, wave: numbers[at] ?? waves.length }));
}
