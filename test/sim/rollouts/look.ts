import type { RolloutHostState, RolloutState, RolloutStep } from '../../../protocol/rollout.ts';
import { parseSpec, type Spec } from '../../../protocol/spec.ts';
import type { MemoryDatabase } from '../../fakes/memory-database.ts';
import type { Seen } from '../oracle.ts';

/** A redirect that a rollout changes, as texts; null where it is not there. */
export interface Pair {
  readonly before: string | null;
  readonly after: string | null;
}

export interface Placed {
  readonly host: string;
  readonly wave: number;
  readonly state: RolloutHostState;
  readonly rev: number;
}

export interface Rollout {
  readonly id: string;
  readonly state: RolloutState;
  readonly step: RolloutStep | null;
  readonly wave: number;
  readonly version: number;
  /** The one that this one undoes. */
  readonly of: string | undefined;
  readonly plan: {
    readonly waves: readonly { readonly size: number }[];
    readonly soakMs: number;
    readonly now?: true;
    readonly onFail: 'rollback' | 'pause';
    readonly maxUnreachable?: string;
    readonly gates: readonly string[];
    readonly noTrafficOk?: true;
    readonly puts: boolean;
  };
  readonly specs: ReadonlyMap<string, Pair>;
  readonly hosts: ReadonlyMap<string, Placed>;
}

export interface Logged {
  readonly rev: number;
  readonly op: 'put' | 'delete';
  readonly name: string;
  readonly body: string;
}

/** All that controllers share, as it stands between two transactions. */
export interface Look {
  readonly atMs: number;
  readonly specs: ReadonlyMap<string, string>;
  /** Hosts that reported. */
  readonly hosts: ReadonlyMap<string, Seen>;
  readonly rollouts: ReadonlyMap<string, Rollout>;
  /** By name and by key, the rollout that holds it. */
  readonly names: ReadonlyMap<string, string>;
  readonly keys: ReadonlyMap<string, string>;
  readonly heads: ReadonlyMap<string, number>;
  readonly logs: ReadonlyMap<string, ReadonlyMap<string, Logged>>;
  readonly confirmed: ReadonlyMap<string, number>;
}

type Row = Readonly<Record<string, string | number | null>>;

/** Looks with its own eyes: nothing of it is asked of a controller. */
export function lookAt(database: MemoryDatabase, atMs: number): Look {
  const all = (sql: string): readonly Row[] => database.rows(sql) as readonly Row[];
  const pairs = all('select rollout, name, before, after from rollout_specs');
  const placed = all('select rollout, host, wave, state, rev from rollout_hosts');
  const specsOf = Map.groupBy(pairs, ({ rollout }) => rollout);
  const hostsOf = Map.groupBy(placed, ({ rollout }) => rollout);
  const logs = new Map<string, Map<string, Logged>>();
  for (const { host, key, ...logged } of all('select host, key, rev, op, name, body from changes'))
    of(logs, `${host}`).set(`${key}`, logged as unknown as Logged);
  return {
    atMs,
    specs: mapOf(all('select name, spec from specs'), 'name', 'spec'),
    hosts: new Map(all('select host, labels, can from hosts').map((row) => [`${row.host}`, seenIn(row)])),
    rollouts: new Map(
      all('select id, state, step, wave, version, progress, plan from rollouts').map((row) => {
        const { id, plan, progress, ...rest } = row;
        const { of } = JSON.parse(`${progress}`) as { readonly of?: string };
        const specs = (specsOf.get(id) ?? []).map((pair) => [`${pair.name}`, pair as unknown as Pair] as const);
        const hosts = (hostsOf.get(id) ?? []).map((host) => [`${host.host}`, host as unknown as Placed] as const);
        const rollout = { ...rest, id, of, plan: JSON.parse(`${plan}`), specs: new Map(specs), hosts: new Map(hosts) };
        return [`${id}`, rollout as unknown as Rollout];
      }),
    ),
    names: mapOf(all('select name, rollout from rollout_names'), 'name', 'rollout'),
    keys: mapOf(all('select key, rollout from rollout_keys'), 'key', 'rollout'),
    heads: mapOf(all('select host, rev from heads'), 'host', 'rev'),
    logs,
    confirmed: mapOf(all('select host, confirmed from marks'), 'host', 'confirmed'),
  };
}

export function isActive({ state }: Pick<Rollout, 'state'>): boolean {
  return state !== 'DONE' && state !== 'ROLLED_BACK';
}

const read = new Map<string, Spec>();

/** Reads each text once. */
export function specOf(text: string): Spec {
  const spec = read.get(text) ?? parseSpec(JSON.parse(text));
  if (read.size > 10_000) read.clear();
  read.set(text, spec);
  return spec;
}

function seenIn({ host, labels, can }: Row): Seen {
  return { host: `${host}`, labels: JSON.parse(`${labels}`), can: can === null ? [] : JSON.parse(`${can}`) };
}

function of(logs: Map<string, Map<string, Logged>>, host: string): Map<string, Logged> {
  const log = logs.get(host) ?? new Map<string, Logged>();
  logs.set(host, log);
  return log;
}

function mapOf<Value extends string | number>(rows: readonly Row[], key: string, value: string): Map<string, Value> {
  return new Map(rows.map((row) => [`${row[key]}`, row[value] as Value]));
}
