import type { Clock } from '../../daemon/clock.ts';
import type { Action } from '../../protocol/action.ts';
import {
  type Confirmation,
  type ExplainRequest,
  type Explanation,
  type GuardSays,
  type HeldEntry,
  MAX_OVERLAPS,
  MAX_PROTECTORS,
  type NextHopNow,
  type Overlapping,
  type Silence,
} from '../../protocol/explain.ts';
import { type Judgement, ruleText } from '../../protocol/guard.ts';
import type { Intent } from '../../protocol/intent.ts';
import { compareSpecificity, keyOf } from '../../protocol/key.ts';
import { makeMeets } from '../../protocol/overlap.ts';
import { type HostProblem, MAX_HOST_PROBLEMS } from '../../protocol/status.ts';
import { sameEntry } from '../model/entry.ts';
import { type EntryKey, entryId } from '../model/entry-key.ts';
import { PinsLostError } from '../model/kernel-error.ts';
import type { Netdev, Network } from '../model/network.ts';
import type { Kernel, Net, ObservedEntry, PassedHits, Recorder } from '../ports.ts';
import { type DumpView, kernelEntry, msAgo } from './dump.ts';

/** Of a put, what it wants; a delete wants nothing. */
interface Withheld {
  readonly rev: number;
  readonly wanted?: Intent;
}

/** What an explanation is made of. */
export interface ExplainParts {
  readonly host: string;
  readonly view: DumpView & {
    readonly silenceOf: (intent: Intent) => Silence | undefined;
    readonly confirmationOf: (key: string) => Confirmation | undefined;
    readonly judgementOf: (intent: Intent) => Judgement;
    /** The change of a key that the brake withholds. */
    readonly withheldOf: (key: string) => Withheld | undefined;
  };
  readonly kernel: Kernel;
  readonly recorder: Pick<Recorder, 'history'>;
  readonly clock: Pick<Clock, 'turn'>;
  /** The kernel holds something else for this key than was thought. */
  readonly again: (key: string) => void;
}

/** Intents that are compared before others get a turn. */
const COMPARED_AT_ONCE = 5_000;

/**
 * Answers `ask … explain`: one redirect as it is desired, decided, held by the kernel this moment, and counted. Undefined
 * when this host has no such redirect, as far as it is known what it has (`unproven`: why it is not).
 */
export async function explain(
  parts: ExplainParts,
  asked: ExplainRequest,
  unproven: readonly HostProblem[] = [],
): Promise<Explanation | undefined> {
  const intent = find(parts.view, asked);
  if (intent === undefined) return undefined;
  const { host, view, kernel, recorder } = parts;
  const { key, name, rev, to, idle, expires } = intent;
  const overlaps = await overlapsOf(parts, intent);
  const events = await recorder.history(key);
  const at = view.states.get(key);
  const slot = at?.slot ?? null;
  const counter = slot === null ? at?.counted : kernel.counts.counters([slot])[0];
  const network = findNetwork(kernel.net);
  const confirmation = view.confirmationOf(key);
  const silence = network && view.silenceOf(intent);
  const problems = [...view.mapProblems, ...unproven].slice(0, MAX_HOST_PROBLEMS);
  return {
    ...{ v: 1, host, name, key, rev, to },
    ...(idle !== undefined && { idle }),
    ...(expires !== undefined && { expires }),
    state: at?.state ?? 'pending',
    ...(at?.code !== undefined && { code: at.code }),
    ...(at?.errno !== undefined && { errno: at.errno }),
    ...withheldOf(view.withheldOf(key)),
    ...guardOf(view.judgementOf(intent), at?.code === 'GUARD_DENIED'),
    ...(confirmation !== undefined && { confirmation }),
    ...(silence !== undefined && { silence }),
    ...(at !== undefined && { since: at.sinceMs }),
    ...(at?.installedAtMs !== undefined && { installedAt: at.installedAtMs }),
    ...(at?.retryAtMs !== undefined && { retryAt: at.retryAtMs }),
    slot,
    packets: (counter?.packets ?? 0n).toString(),
    bytes: (counter?.bytes ?? 0n).toString(),
    seenMsAgo: network ? msAgo(counter, kernel.clock.now()) : null,
    passed: passedOf(kernel.counts.passed(), slot),
    entry: network ? heldEntry(parts, intent, network) : null,
    nexthop: network ? nextHopNow(kernel.net, network, to) : null,
    overlaps: overlaps.slice(0, MAX_OVERLAPS),
    overlapsTotal: overlaps.length,
    bypass: kernel.words.bypass(),
    ...(problems.length > 0 && { problems }),
    events,
  };
}

function withheldOf(held: Withheld | undefined): Pick<Explanation, 'withheld'> {
  return held === undefined ? {} : { withheld: { rev: held.rev, to: held.wanted?.to ?? null } };
}

/** By what the guard denies it, or whose packets pass it. */
function guardOf(judgement: Judgement, isDenied: boolean): { readonly guard?: GuardSays } {
  if (judgement.is === 'denied') return { guard: { is: 'denied', by: [ruleText(judgement.by)] } };
  if (isDenied) return { guard: { is: 'denied', by: [ruleText({ rule: 'max-redirects' })] } };
  if (judgement.is === 'allowed') return {};
  const by = judgement.with.slice(0, MAX_PROTECTORS).map(({ name, match }) => `${name}: ${keyOf(match)}`);
  return { guard: { is: 'overlaps', by } };
}

/** Undefined where the pins are lost: no packet meets what the maps say, and the clock is gone with them. */
export function findNetwork(net: Pick<Net, 'network'>): Network | undefined {
  try {
    return net.network();
  } catch (error) {
    if (error instanceof PinsLostError) return undefined;
    throw error;
  }
}

function find({ desired }: DumpView, asked: ExplainRequest): Intent | undefined {
  if ('key' in asked) return desired.get(asked.key);
  return desired.values().find(({ name }) => name === asked.name);
}

/** Of the hits of a slot those that were passed for a reason of their own. */
export function passedOf(hits: PassedHits, slot: number | null): Readonly<Record<string, string>> {
  const counts = Array.from(hits, ([reason, bySlot]) => [reason, bySlot[slot ?? -1] ?? 0n] as const);
  return Object.fromEntries(
    counts.flatMap(([reason, packets]) => (packets > 0n ? [[reason, packets.toString()]] : [])),
  );
}

/** What stands in the kernel map this moment, not what was last seen there: where that differs, it is looked at again. */
function heldEntry({ view, kernel, again }: ExplainParts, intent: Intent, network: Network): HeldEntry | null {
  const key = view.entryOf(intent.key)?.key ?? entryKeyOf(intent, network);
  const held = key && kernel.entries.lookup([key]).get(entryId(key));
  if (!sameObserved(held, view.entryOf(intent.key))) again(intent.key);
  if (held === undefined) return null;
  const { rev, slot } = held.value;
  return { ...kernelEntry(held), rev, slot, sound: held.sound };
}

function sameObserved(a: ObservedEntry | undefined, b: ObservedEntry | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.sound === b.sound && sameEntry(a.value, b.value));
}

/** The key of an intent's entry, `undefined` while its ingress interface has no zone. */
function entryKeyOf({ match: { in: ingress, ...match } }: Intent, { netdevs }: Network): EntryKey | undefined {
  if (ingress === undefined) return { match, zone: 0 };
  const zone = netdevs.find(({ name }) => name === ingress)?.zone ?? 0;
  return zone === 0 ? undefined : { match, zone };
}

function nextHopNow(net: Pick<Net, 'resolve'>, { netdevs }: Network, to: Action): NextHopNow | null {
  if (typeof to === 'string' || 'encap' in to || 'rewrite' in to) return null;
  const wanted = netdevs.find(({ name }) => name === to.interface);
  if (to.interface !== undefined && wanted === undefined) return { state: 'no-interface', interface: to.interface };
  if ('mac' in to) return { state: 'resolved', ...egress(wanted), mac: to.mac, mtu: wanted?.mtu ?? 0 };
  const query = { address: to.nexthop, ...(wanted !== undefined && { ifindex: wanted.ifindex }) };
  const [hop = { state: 'no-route' as const }] = net.resolve([query]);
  if (hop.state === 'no-route') return hop;
  const where = { ifindex: hop.ifindex, ...egress(netdevs.find(({ ifindex }) => ifindex === hop.ifindex)) };
  if (hop.state !== 'resolved') return { state: hop.state, ...where, gateway: hop.gateway };
  return { state: hop.state, ...where, gateway: hop.gateway, mac: hop.mac, mtu: hop.mtu };
}

function egress(netdev: Netdev | undefined): Partial<NextHopNow> {
  if (netdev === undefined) return {};
  const { name, ifindex, up, takesRedirects } = netdev;
  return { interface: name, ifindex, up, takesRedirects };
}

/** The other redirects of the host that a packet can match as well, the most specific first. */
async function overlapsOf(
  { view: { desired, states }, clock }: ExplainParts,
  intent: Intent,
): Promise<readonly Overlapping[]> {
  const meets = makeMeets(intent.match);
  const found: Intent[] = [];
  let compared = 0;
  for (const other of desired.values()) {
    if (other.key !== intent.key && meets(other.match)) found.push(other);
    compared += 1;
    if (compared % COMPARED_AT_ONCE === 0) await clock.turn();
  }
  found.sort((a, b) => compareSpecificity(a.match, b.match));
  return found.map(({ name, key, match }) => ({
    name,
    key,
    state: states.get(key)?.state ?? 'pending',
    wins: compareSpecificity(match, intent.match) < 0,
  }));
}
