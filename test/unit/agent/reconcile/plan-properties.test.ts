import test from 'ava';
import fc from 'fast-check';
import { NO_MAC } from '../../../../agent/model/entry.ts';
import type { Netdev } from '../../../../agent/model/network.ts';
import type { Convergence } from '../../../../agent/reconcile/convergence.ts';
import { shapeOfKey } from '../../../../agent/reconcile/observed-cache.ts';
import type { Action } from '../../../../protocol/action.ts';
import type { Intent } from '../../../../protocol/intent.ts';
import { keyOf } from '../../../../protocol/key.ts';
import { parseMatch } from '../../../../protocol/match.ts';
import { shapeText } from '../../../../protocol/shape.ts';
import { Crash, MemoryKernel } from '../../../fakes/memory-kernel.ts';
import { converge, NOW, slotsOf, start } from './world.ts';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 300);

/** What a step of the world may be: a new set, or something behind our back. */
type Step =
  | { readonly do: 'set'; readonly wishes: readonly Wish[] }
  | {
      readonly do: 'netdev';
      readonly name: string;
      readonly up: boolean;
      readonly zone: number;
      readonly remake: boolean;
      readonly attached: Netdev['attached'];
    }
  /** The loader takes back the zones of devices that are gone. */
  | { readonly do: 'unzone' }
  | { readonly do: 'gone'; readonly name: string }
  | { readonly do: 'neighbour'; readonly hop: string; readonly answer: string }
  | {
      readonly do: 'plant';
      readonly at: number;
      readonly slot: number;
      readonly sound: boolean;
      readonly ifindex: number;
    }
  | { readonly do: 'uproot'; readonly nth: number }
  | { readonly do: 'unplug'; readonly ifindex: number }
  | { readonly do: 'plug'; readonly key: number; readonly name: string }
  | { readonly do: 'strays'; readonly family: 4 | 6 }
  | { readonly do: 'shapes'; readonly known: boolean }
  | { readonly do: 'restart'; readonly rows: boolean };

interface Wish {
  readonly at: number;
  readonly to: Action;
  readonly rev: number;
  readonly expires: number | undefined;
}

const MATCHES = [
  ...[8, 9, 16, 24, 31, 32].map((bits) => ({ dst: `10.0.0.0/${bits}` })),
  ...[1, 2, 3].map((n) => ({ dst: `10.0.0.${n}/32`, proto: 'udp', dport: 53 })),
  ...[{ src: '10.1.0.0/16' }, { src: '10.1.0.0/16', proto: 'icmp' }, { dst: '10.0.0.0/8', proto: 'tcp', sport: 9 }],
  ...['eth0', 'eth1', 'eth2'].map((ifname) => ({ dst: '10.0.0.0/8', in: ifname })),
  ...['eth0', 'eth1'].map((ifname) => ({ dst: '2001:db8::/32', in: ifname })),
  ...[{ dst: '2001:db8::1/128' }, { dst: '2001:db8::/64', proto: 'udp' }],
].map((match) => parseMatch(match));
const HOPS = ['192.0.2.1', '192.0.2.2'];
const NAMES = ['eth0', 'eth1', 'eth2'];
const SLOTS = 10;

const name = fc.constantFrom(...NAMES);
const to: fc.Arbitrary<Action> = fc.oneof(
  fc.constantFrom('drop' as const, 'pass' as const),
  fc.record({ interface: name, mac: fc.constantFrom('02:00:00:00:00:aa', '02:00:00:00:00:bb') }),
  fc.record({ nexthop: fc.constantFrom(...HOPS), interface: name }, { requiredKeys: ['nexthop'] }),
);
const wish: fc.Arbitrary<Wish> = fc.record({
  at: fc.nat(MATCHES.length - 1),
  to,
  rev: fc.integer({ min: 1, max: 5 }),
  expires: fc.constantFrom(undefined, undefined, NOW - 1, NOW + 60_000),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), wishes: fc.array(wish, { maxLength: 16 }) }) },
  fc.record({
    do: fc.constant('netdev' as const),
    ...{ name, up: fc.boolean(), zone: fc.nat(3), remake: fc.boolean() },
    attached: fc.constantFrom('native' as const, 'none' as const, 'foreign' as const),
  }),
  fc.record({ do: fc.constant('unzone' as const) }),
  fc.record({ do: fc.constant('gone' as const), name }),
  fc.record({
    do: fc.constant('neighbour' as const),
    hop: fc.constantFrom(...HOPS),
    answer: fc.constantFrom('asking', 'failed', '02:00:00:00:01:01', '02:00:00:00:01:02'),
  }),
  fc.record({
    do: fc.constant('plant' as const),
    at: fc.nat(MATCHES.length - 1),
    slot: fc.constantFrom(0, 1, 5, 9, 10, 4_000_000_000),
    sound: fc.boolean(),
    ifindex: fc.constantFrom(0, 3, 77),
  }),
  fc.record({ do: fc.constant('uproot' as const), nth: fc.nat(9) }),
  fc.record({ do: fc.constant('unplug' as const), ifindex: fc.integer({ min: 2, max: 6 }) }),
  fc.record({ do: fc.constant('plug' as const), key: fc.constantFrom(2, 3, 4, 5, 6, 77, 78, 79), name }),
  fc.record({ do: fc.constant('strays' as const), family: fc.constantFrom(4 as const, 6 as const) }),
  fc.record({ do: fc.constant('shapes' as const), known: fc.boolean() }),
  fc.record({ do: fc.constant('restart' as const), rows: fc.boolean() }),
);
const story = fc.array(step, { minLength: 1, maxLength: 12 });

/** A host to which things happen. */
class World {
  readonly kernel = new MemoryKernel({ slots: SLOTS, ports: 4 });
  convergence: Convergence;
  #desired: readonly Intent[] = [];
  #nextIfindex = 5;

  constructor() {
    for (const [n, each] of NAMES.entries()) this.kernel.netdev(each, { ifindex: n + 2, zone: n, attached: 'native' });
    for (const [n, hop] of HOPS.entries()) this.kernel.route(hop, NAMES[n + 1] ?? '');
    this.convergence = start(this.kernel);
  }

  do(step: Step): void {
    const { kernel, convergence } = this;
    switch (step.do) {
      case 'set':
        this.#set(step.wishes);
        return;
      case 'netdev': {
        const others = kernel.network().netdevs.filter((dev) => dev.name !== step.name);
        const zone = others.some((dev) => dev.zone === step.zone) ? 0 : step.zone;
        const ifindex = step.remake ? { ifindex: this.#nextIfindex++ } : {};
        kernel.netdev(step.name, { up: step.up, zone, attached: step.attached, ...ifindex });
        break;
      }
      case 'gone':
        kernel.removeNetdev(step.name);
        break;
      case 'unzone':
        kernel.dropZones();
        break;
      case 'neighbour':
        for (const each of NAMES) kernel.neighbour(each, step.hop, step.answer);
        break;
      case 'plant': {
        const { slot, sound, ifindex } = step;
        const match = MATCHES[step.at] ?? MATCHES[0];
        const action = ifindex === 0 ? 'drop' : 'send';
        if (match !== undefined) {
          const key = { match, zone: match.in === undefined ? 0 : 2 };
          kernel.plant(key, { slot, ifindex, action, dmac: NO_MAC }, sound);
        }
        break;
      }
      case 'uproot': {
        const id = [...kernel.peek().entries.keys()][step.nth];
        if (id !== undefined) kernel.uproot(id);
        break;
      }
      case 'unplug':
        kernel.unplug(step.ifindex);
        break;
      case 'plug': {
        const { netdevs, ports } = kernel.network();
        const to = netdevs.find((dev) => dev.name === step.name)?.ifindex;
        if (to !== undefined && (ports.has(step.key) || ports.size < 4)) kernel.plug(step.key, to);
        break;
      }
      case 'strays':
        kernel.plantStrays(step.family, 1 + kernel.strays(step.family));
        break;
      case 'shapes':
        kernel.setShapes(4, step.known ? [] : undefined);
        break;
      case 'restart':
        this.convergence = start(kernel, this.#desired, step.rows ? [...convergence.ledger.states.values()] : []);
        return; // it has just looked at everything
    }
    this.convergence.refreshNetworkNext();
    this.convergence.readBackNext();
  }

  #set(wishes: readonly Wish[]): void {
    const next = new Map<string, Intent>();
    for (const { at, to: action, rev, expires } of wishes) {
      const match = MATCHES[at];
      if (match === undefined) continue;
      const key = keyOf(match);
      next.set(key, { key, rev, name: `r${at}`, match, to: action, ...(expires === undefined ? {} : { expires }) });
    }
    const gone = this.#desired.filter(({ key }) => !next.has(key)).map(({ key }) => key);
    this.#desired = [...next.values()];
    this.convergence.ledger.remove(gone);
    this.convergence.ledger.put(this.#desired);
  }

  /** Where each installed key stands, and nothing else. */
  check(): void {
    const { convergence, kernel } = this;
    const { entries, shapes } = kernel.peek();
    const slots = slotsOf(convergence);
    let standing = 0;
    for (const intent of convergence.ledger.desired.values()) {
      const state = convergence.ledger.states.get(intent.key);
      if (state === undefined || state.state === 'pending' || state.state === 'failed')
        throw new Error(`${intent.key}: ${state?.state} ${state?.code} ${state?.errno}`);
      if (state.rev !== intent.rev) throw new Error(`${intent.key}: state of another revision`);
      const entry = convergence.entryOf(intent.key);
      const asleep = state.code === 'NOT_ATTACHED';
      if (state.state !== 'installed' && !asleep) continue;
      if (asleep && intent.match.in !== undefined && entry === undefined) continue;
      standing += 1;
      if (entry?.sound !== true) throw new Error(`${intent.key}: installed and not there`);
      if (entry.value.slot !== slots.get(intent.key) || entry.value.slot >= SLOTS) throw new Error('wrong slot');
      if (entry.value.rev !== intent.rev) throw new Error('wrong revision');
    }
    if (entries.size !== standing) throw new Error(`${entries.size} entries, ${standing} standing`);
    if (convergence.ledger.states.size !== convergence.ledger.desired.size)
      throw new Error('states of keys that nobody desires');
    if (convergence.slots.used !== slots.size)
      throw new Error(`${convergence.slots.used} slots used, ${slots.size} held`);
    const used = new Set([...entries.values()].map((it) => shapeText(shapeOfKey(it.key))));
    if (shapes[4] === undefined || shapes[6] === undefined) throw new Error('nobody knows which shapes are live');
    const live = [...shapes[4], ...shapes[6]].map(shapeText);
    if (live.length !== used.size || !live.every((text) => used.has(text)))
      throw new Error('shapes are not those in use');
    const egress = new Set([...entries.values()].flatMap(({ value }) => (value.ifindex === 0 ? [] : [value.ifindex])));
    const { ports } = kernel.network();
    if (ports.size !== egress.size || ![...egress].every((it) => ports.get(it) === it))
      throw new Error('ports are not those in use');
    if (kernel.strays(4) + kernel.strays(6) > 0) throw new Error('strays are left');
  }

  /** Ids of entries that a packet would find and that lead nowhere. */
  dangling(): Set<string> {
    const { entries, shapes } = this.kernel.peek();
    const { ports } = this.kernel.network();
    const live = new Set([...(shapes[4] ?? []), ...(shapes[6] ?? [])].map(shapeText));
    const ids = [...entries].flatMap(([id, { key, value }]) => {
      const lost =
        (value.action === 'send' && ports.get(value.ifindex) !== value.ifindex) ||
        !live.has(shapeText(shapeOfKey(key)));
      return lost ? [`${id} ${value.ifindex}`] : [];
    });
    return new Set(ids);
  }
}

test('plan: whatever happened, it converges, and there is nothing to do then', (t) => {
  const property = fc.property(story, (steps) => {
    const world = new World();
    for (const step of steps) {
      world.do(step);
      converge(world.convergence);
      world.check();
      world.kernel.asked = [];
      world.convergence.schedule.markDue([...world.convergence.ledger.desired.keys()]);
      world.convergence.readBackNext();
      converge(world.convergence);
      if (world.kernel.asked.length > 0)
        throw new Error(`more to do: ${JSON.stringify(world.kernel.asked.map((op) => op.op))}`);
    }
  });
  fc.assert(property, { numRuns: RUNS });
  t.pass();
});

test('plan: stopped after any op, no entry leads nowhere that did not before, and a new start converges', (t) => {
  const property = fc.property(story, fc.nat(20), fc.boolean(), (steps, ops, rows) => {
    const world = new World();
    for (const step of steps) {
      world.do(step);
      const before = world.dangling();
      world.kernel.opsToLive = ops;
      try {
        converge(world.convergence);
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        for (const id of world.dangling())
          if (!before.has(id)) throw new Error(`${id} leads nowhere`, { cause: error });
        world.kernel.opsToLive = Number.POSITIVE_INFINITY;
        world.do({ do: 'restart', rows });
        converge(world.convergence);
      }
      world.kernel.opsToLive = Number.POSITIVE_INFINITY;
      world.check();
    }
  });
  fc.assert(property, { numRuns: RUNS });
  t.pass();
});

test('plan: without proof nothing is touched that nobody desires', (t) => {
  const property = fc.property(story, (steps) => {
    const world = new World();
    const strangers = [3, 4_000_000_000].map((slot, n) => {
      const match = parseMatch({ dst: `172.16.0.${n}/32` });
      return world.kernel.plant({ match, zone: n * 3 }, { slot, action: 'pass' }, n === 0);
    });
    for (const step of steps) {
      world.do(step);
      const before = [...world.kernel.peek().entries].filter(([id]) => strangers.includes(id));
      world.kernel.asked = [];
      converge(world.convergence, NOW, false);
      const touched = world.kernel.asked.filter((op) => 'id' in op && strangers.includes(op.id));
      if (touched.length > 0) throw new Error(`${touched[0]?.op} of a stranger`);
      for (const [id, entry] of before) if (world.kernel.peek().entries.get(id) !== entry) throw new Error(id);
    }
  });
  fc.assert(property, { numRuns: RUNS });
  t.pass();
});
