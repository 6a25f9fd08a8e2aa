import { isActive, type Rollout, waveOf } from '../model/rollout.ts';
import type { RolloutHostRow, RolloutRow, RolloutSpecRow } from '../store/schema.ts';
import { rolloutHostSeal } from '../store/tables/rollout-hosts.ts';
import { rolloutSpecSeal } from '../store/tables/rollout-specs.ts';
import { rolloutOf, rolloutSeal, rowFrom } from '../store/tables/rollouts.ts';
import type { Transaction } from './transaction.ts';

type Place = Pick<Transaction, 'session' | 'tables'>;

/** What is stored of one rollout, damaged or not. */
interface Found {
  readonly row: RolloutRow;
  readonly specs: readonly RolloutSpecRow[];
  readonly hosts: readonly RolloutHostRow[];
}

/**
 * Looks through what is stored of rollouts. One that is under way and of which a row is not what was written goes back: what
 * specs say counts on every host. Of those that ended, what is damaged is forgotten. Answers how many went back.
 */
export async function verifyRollouts(place: Place, anew: boolean, nowMs: number): Promise<number> {
  const { session, tables } = place;
  const [rows, specs, hosts] = [
    await tables.rollouts.scan(session),
    await tables.rolloutSpecs.scan(session),
    await tables.rolloutHosts.scan(session),
  ];
  if (rows.length + specs.length + hosts.length === 0 && !(await tables.rolloutSpecs.holdsAny(session))) return 0;
  const specsOf = Map.groupBy(specs, ({ rollout }) => rollout);
  const hostsOf = Map.groupBy(hosts, ({ rollout }) => rollout);
  const found = rows.map((row) => ({ row, specs: specsOf.get(row.id) ?? [], hosts: hostsOf.get(row.id) ?? [] }));
  const ids = new Set(rows.map(({ id }) => id));
  const orphaned = [...specs, ...hosts].some(({ rollout }) => !ids.has(rollout));
  if (!anew && !orphaned && found.every(isSound) && (await holdsFit(place, found))) return 0;
  return (await layAnew(place, found, nowMs)) + Number(orphaned);
}

function isSound({ row, specs, hosts }: Found): boolean {
  if (!rolloutSeal.fits(row)) return false;
  const { created, changed, deleted } = rolloutOf(row).plan;
  if (specs.length !== created + changed + deleted) return false;
  return specs.every((spec) => rolloutSpecSeal.fits(spec)) && hosts.every((host) => rolloutHostSeal.fits(host));
}

/** Whether those that are under way hold all that they are to hold, and nobody else anything. */
async function holdsFit({ session, tables }: Place, found: readonly Found[]): Promise<boolean> {
  const names = new Map<string, string>();
  const keys = new Map<string, string>();
  for (const { row, specs } of found) {
    if (row.ended_ms !== null) continue;
    for (const { name, rollout, before_key, after_key } of specs) {
      names.set(name, rollout);
      for (const key of [before_key, after_key]) if (key !== null) keys.set(key, rollout);
    }
  }
  const held = await tables.rolloutSpecs.holds(session);
  const fits = (wanted: ReadonlyMap<string, string>, is: readonly (readonly [string, string])[]): boolean =>
    is.length === wanted.size && is.every(([what, rollout]) => wanted.get(what) === rollout);
  return fits(names, held.names) && fits(keys, held.keys);
}

/** Writes all rows again that prove themselves. */
async function layAnew({ session, tables }: Place, found: readonly Found[], nowMs: number): Promise<number> {
  await tables.rollouts.clear(session);
  await tables.rolloutSpecs.clear(session);
  await tables.rolloutHosts.clear(session);
  let back = 0;
  for (const one of found) {
    const { row, specs, hosts } = one;
    const sound = isSound(one);
    const isLost = !rolloutSeal.fits(row);
    if (!sound && (isLost || row.ended_ms === null)) back += 1;
    if (isLost || (!sound && row.ended_ms !== null)) continue;
    await tables.rollouts.put(session, sound ? row : rowFrom(broken(rolloutOf(row), nowMs)));
    for (const spec of specs.filter((each) => rolloutSpecSeal.fits(each)))
      await tables.rolloutSpecs.putRow(session, spec, sound && row.ended_ms === null);
    for (const host of hosts.filter((each) => rolloutHostSeal.fits(each)))
      await tables.rolloutHosts.putRow(session, host.state === 'published' && !sound ? withdrawn(host) : host);
  }
  return back;
}

function withdrawn(row: RolloutHostRow): RolloutHostRow {
  return rolloutHostSeal.put({ ...row, state: 'withdrawn' });
}

function broken(rollout: Rollout, nowMs: number): Rollout {
  if (!isActive(rollout.state)) return rollout;
  const detail = 'what the database had of it was damaged, so every host is to have again what stood before';
  const cause = { code: 'STORE_DAMAGED', at: nowMs, detail } as const;
  const state = { is: 'ROLLED_BACK', wave: waveOf(rollout.state), cause } as const;
  return { ...rollout, state, version: rollout.version + 1, changedMs: nowMs, endedMs: nowMs };
}
