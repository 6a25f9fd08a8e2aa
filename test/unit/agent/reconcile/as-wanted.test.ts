import test from 'ava';
import type { EntryState } from '../../../../agent/model/state.ts';
import { isAsWanted } from '../../../../agent/reconcile/as-wanted.ts';
import { Awaiting } from '../../../../agent/reconcile/awaiting.ts';
import { HostJudge } from '../../../../agent/reconcile/guard.ts';
import { ObservedCache } from '../../../../agent/reconcile/observed-cache.ts';
import { plan } from '../../../../agent/reconcile/plan.ts';
import type { PlanInput } from '../../../../agent/reconcile/plan-input.ts';
import { Targets } from '../../../../agent/reconcile/targets.ts';
import { atOnce } from '../../../../daemon/parts.ts';
import type { Action } from '../../../../protocol/action.ts';
import type { Intent } from '../../../../protocol/intent.ts';
import type { MemoryKernel } from '../../../fakes/memory-kernel.ts';
import { converge, DIRECT, intentOf, makeKernel, NEXT_HOP, NOW, start, VIA } from './world.ts';

/** Whether a key is passed over. */
function asWanted({ desired, states, observed, ...input }: PlanInput, key: string): boolean {
  const [intent, state, seen] = [desired.get(key), states.get(key), observed.entries.get(key)];
  if (intent === undefined || state === undefined || seen === undefined) return false;
  return isAsWanted(intent, state, seen, { ...input, desired, states, observed });
}

function seenBy(kernel: MemoryKernel): ObservedCache {
  const { entries, ...lists } = kernel.observe();
  const observed = new ObservedCache(lists);
  atOnce(observed.fill(entries, new Map()));
  return observed;
}

/** A redirect that stands as it is wanted, and all that a plan depends on. */
function standing(to: Action = VIA, more: Partial<Intent> = {}) {
  const kernel = makeKernel();
  const intent = intentOf(1, to, more);
  const convergence = start(kernel, [intent]);
  converge(convergence);
  const state = convergence.ledger.states.get(intent.key) as EntryState;
  const input: PlanInput = {
    ...{ scope: [intent.key], desired: new Map([[intent.key, intent]]), states: new Map([[intent.key, state]]) },
    ...{ observed: seenBy(kernel), limits: kernel.limits, ports: kernel.network().ports },
    ...{ placed: { idOf: (key) => key }, targets: new Targets(kernel), slots: convergence.slots },
    ...{ guard: new HostJudge(), protect: [], awaiting: new Awaiting(), foreign: [] },
    clock: { ...kernel.clock.now(), nowMs: NOW },
  };
  return { kernel, intent, state, input };
}

for (const [what, to, more] of [
  ['by a next hop', VIA, {}],
  ['by a MAC', DIRECT, {}],
  ['with its TTL', { nexthop: NEXT_HOP, interface: 'eth1', ttl: 'keep' }, {}],
  ['that drops', 'drop', {}],
  ['that passes', 'pass', {}],
  ['that falls silent', VIA, { idle: { afterMs: 60_000, rearm: 'revision' } }],
] as const satisfies readonly (readonly [string, Action, Partial<Intent>])[]) {
  test(`as wanted: a redirect ${what} is passed over, and a plan would do nothing for it`, (t) => {
    const { input, intent, state } = standing(to, more);
    t.true(asWanted(input, intent.key));
    const { ops, decisions } = plan(input);
    t.deepEqual(
      [ops, decisions.map((it) => [it.state, it.slot, it.code])],
      [[], [['installed', state.slot, undefined]]],
    );
  });
}

test('as wanted: a redirect that protected packets meet is passed over where its entry says so', (t) => {
  const it = standing();
  const input: PlanInput = {
    ...withKernel(it, replant(it, { guarded: true })),
    guard: { maxRedirects: 9, of: () => ({ is: 'overlaps', with: [] }) },
  };
  t.true(asWanted(input, it.intent.key));
  t.deepEqual(plan(input).ops, []);
});

type Standing = ReturnType<typeof standing>;
const withState = ({ input, intent, state }: Standing, more: object): PlanInput => ({
  ...input,
  states: new Map([[intent.key, { ...state, ...more }]]),
});
const withIntent = ({ input, intent }: Standing, more: object): PlanInput => ({
  ...input,
  desired: new Map([[intent.key, { ...intent, ...more }]]),
});
const withKernel = ({ input, kernel }: Standing, change: (kernel: MemoryKernel) => void): PlanInput => {
  change(kernel);
  return { ...input, observed: seenBy(kernel), targets: new Targets(kernel) };
};
const replant =
  ({ kernel, intent }: Standing, value: object, sound = true) =>
  (): void => {
    const key = { match: intent.match, zone: 0 };
    const stands = kernel.peek().entries.get(intent.key)?.value;
    kernel.plant(key, { ...stands, ...value }, sound);
  };

const OTHERWISE: Readonly<Record<string, (it: Standing) => PlanInput>> = {
  'nobody desires it': ({ input }) => ({ ...input, desired: new Map() }),
  'nothing is known of it': ({ input }) => ({ ...input, states: new Map() }),
  'its state is of another revision': (it) => withState(it, { rev: 9 }),
  'it is blocked': (it) => withState(it, { state: 'blocked', code: 'MAP_FULL' }),
  'it is fought over': (it) => withState(it, { state: 'failed', code: 'FOREIGN_WRITER' }),
  'it is to be tried again': (it) => withState(it, { retryAtMs: NOW }),
  'it was counted once': (it) => withState(it, { counted: { packets: 1n, bytes: 1n, seen: 1n } }),
  'it has another slot': (it) => withState(it, { slot: 5 }),
  'it is not armed and is to fall silent': (it) => withIntent(it, { idle: { afterMs: 1_000, rearm: 'revision' } }),
  'it ends': (it) => withIntent(it, { expires: NOW + 1_000 }),
  'it is of one interface': (it) => withIntent(it, { match: { ...it.intent.match, in: 'eth0' } }),
  'it goes elsewhere': (it) => withIntent(it, { to: 'drop' }),
  'its TTL is kept': (it) => withIntent(it, { to: { nexthop: NEXT_HOP, interface: 'eth1', ttl: 'keep' } }),
  'it is withheld': ({ input, intent }) => ({ ...input, withheld: new Map([[intent.key, { rev: 2 }]]) }),
  'it waits for the disk': ({ input }) => ({
    ...input,
    awaiting: { isUnarmed: () => true, leftMs: () => undefined, isBack: () => false },
  }),
  'it is taken back unless confirmed': ({ input }) => ({
    ...input,
    awaiting: { isUnarmed: () => false, leftMs: () => 1_000, isBack: () => false },
  }),
  'the guard denies it': ({ input }) => ({
    ...input,
    guard: { maxRedirects: 9, of: () => ({ is: 'denied', by: { rule: 'actions' } }) as never },
  }),
  'protected packets meet it': ({ input }) => ({
    ...input,
    guard: { maxRedirects: 9, of: () => ({ is: 'overlaps', with: [] }) },
  }),
  'the guard allows no more': ({ input }) => ({
    ...input,
    guard: { maxRedirects: 0, of: () => ({ is: 'allowed' }) },
  }),
  'no packet meets the program': (it) =>
    withKernel(it, (kernel) => {
      kernel.netdev('eth0', { ifindex: 2, attached: 'none', zone: 1 });
    }),
  'its entry is gone': (it) => withKernel(it, (kernel) => kernel.uproot(it.intent.key)),
  'its entry is damaged': (it) => withKernel(it, replant(it, {}, false)),
  'its entry is of another revision': (it) => withKernel(it, replant(it, { rev: 7 })),
  'its entry ends': (it) => withKernel(it, replant(it, { until: 9n })),
  'its entry is guarded': (it) => withKernel(it, replant(it, { guarded: true })),
  'its entry leads to another MAC': (it) => withKernel(it, replant(it, { dmac: '02:00:00:00:09:09' })),
  'its entry says another source': (it) => withKernel(it, replant(it, { smac: '02:00:00:00:09:09' })),
  'its entry says another size': (it) => withKernel(it, replant(it, { mtu: 9 })),
  'its entry leads out of another port': (it) => withKernel(it, replant(it, { ifindex: 2 })),
};

for (const [what, otherwise] of Object.entries(OTHERWISE)) {
  test(`as wanted: where ${what}, a plan has to be made`, (t) => {
    const it = standing();
    t.false(asWanted(otherwise(it), it.intent.key));
  });
}
