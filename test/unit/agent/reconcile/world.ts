import type { EntryState } from '../../../../agent/model/state.ts';
import type { ObservedEntry } from '../../../../agent/ports.ts';
import { Convergence } from '../../../../agent/reconcile/convergence.ts';
import type { PassResult } from '../../../../agent/reconcile/pass-result.ts';
import type { Progress } from '../../../../agent/reconcile/summarise.ts';
import { atOnce } from '../../../../daemon/parts.ts';
import type { Action } from '../../../../protocol/action.ts';
import { EMPTY_DIGEST } from '../../../../protocol/digest.ts';
import type { Intent } from '../../../../protocol/intent.ts';
import { MAX_MESSAGE_BYTES } from '../../../../protocol/json.ts';
import { keyOf } from '../../../../protocol/key.ts';
import { parseMatch } from '../../../../protocol/match.ts';
import { MemoryKernel, type MemoryKernelOptions } from '../../../fakes/memory-kernel.ts';

export const NOW = 1_700_000_000_000;
export const NEXT_HOP = '192.0.2.1';
export const NEXT_MAC = '02:00:00:00:01:01';
export const VIA: Action = { nexthop: NEXT_HOP, interface: 'eth1' };
export const DIRECT: Action = { interface: 'eth1', mac: '02:00:00:00:02:02' };

/** A host with an ingress eth0 in zone 1, an egress eth1, and a next hop that answers. */
export function makeKernel(options: MemoryKernelOptions = { slots: 8 }): MemoryKernel {
  const kernel = new MemoryKernel(options);
  kernel.netdev('eth0', { ifindex: 2, attached: 'native', zone: 1 });
  kernel.netdev('eth1', { ifindex: 3 });
  kernel.route(NEXT_HOP, 'eth1');
  kernel.neighbour('eth1', NEXT_HOP, NEXT_MAC);
  return kernel;
}

/** The intent of an address, of protocol udp and port 53 unless `match` says otherwise. */
export function intentOf(n: number, to: Action = 'drop', more: Partial<Intent> & { of?: object } = {}): Intent {
  const { of, ...rest } = more;
  const dst = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}/32`;
  const match = parseMatch({ dst, proto: 'udp', dport: 53, ...of });
  return { key: keyOf(match), rev: 1, name: `r${n}`, match, to, ...rest };
}

export function start(
  kernel: MemoryKernel,
  intents: readonly Intent[] = [],
  entries: readonly EntryState[] = [],
): Convergence {
  return atOnce(Convergence.on(kernel, intents, entries));
}

/** Makes passes until nothing is due. */
export function converge(convergence: Convergence, nowMs = NOW, prune = true): PassResult[] {
  const passes: PassResult[] = [];
  do {
    if (passes.length > 50) throw new Error('does not come to rest');
    passes.push(convergence.pass(nowMs, () => 0, prune));
  } while (convergence.pending);
  return passes;
}

/** State and code of each key, in the order of the intents given. */
export function statesOf(convergence: Convergence, intents: readonly Intent[]): (string | undefined)[] {
  return intents.map(({ key }) => {
    const { state, code } = convergence.ledger.states.get(key) ?? {};
    return code === undefined ? state : `${state} ${code}`;
  });
}

export function stands(kernel: MemoryKernel, id: string): ObservedEntry | undefined {
  return kernel.peek().entries.get(id);
}

/** Slots by key; throws when two keys hold one. */
export function slotsOf(convergence: Convergence): Map<string, number> {
  const slots = new Map<string, number>();
  const holders = new Map<number, string>();
  for (const [key, { slot }] of convergence.ledger.states) {
    if (slot === null) continue;
    const other = holders.get(slot);
    if (other !== undefined) throw new Error(`slot ${slot} is given to ${other} and ${key}`);
    holders.set(slot, key);
    slots.set(key, slot);
  }
  return slots;
}

export function installedRow(intent: Intent, slot: number): EntryState {
  return { key: intent.key, slot, rev: intent.rev, state: 'installed', sinceMs: NOW, installedAtMs: NOW };
}

/** Of a reconciler that has nothing to do and nothing to tell. */
export const AT_REST: Progress = {
  ...{ cursor: { epoch: 'e1', rev: 7 }, applied: 7, verified: 7, desired: new Map(), states: new Map() },
  ...{
    deleteAbsent: 0n,
    drifted: 0n,
    mapProblems: [],
    slotsUsed: 0,
    limits: { slots: 8, shapes: 8, mtu: 65_535 },
    shapes: 0,
  },
  ...{ network: makeKernel().network(), ingresses: [], unattachedSinceMs: undefined },
  ...{ bypass: false, guarded: undefined, undelivered: [], clockAheadMs: undefined, passed: [] },
  ...{ permit: 0, brake: undefined, awaited: { deleted: 0 } },
};

/** Who the agent is, what its intake knows, and the moment: all of it ordinary. */
export const WHO = { host: 'h1', boot: 'b1', agent: '0.1.0', can: ['idle'], labels: { site: 'x' }, interfaces: [] };
export const TAKEN = { footing: { digest: EMPTY_DIGEST }, refused: { total: 0, byCode: {} }, problems: [] };
export const TOLD = { nowMs: NOW, seq: 3, maxBytes: MAX_MESSAGE_BYTES };
