import type { Gate, Share } from '../../protocol/gate.ts';
import type { GateFacts, JudgedHost } from './gates.ts';
import { ANSWERS_WITHIN_MS, type Presences, presenceOf } from './presence.ts';
import { type Found, fails, passes, waits } from './verdicts.ts';

type ShareGate = Extract<Gate, { atMostPercent: number }>;
type Span = 'recent' | 'whole';

/** So many packets of so many. */
interface Tally {
  readonly bad: number;
  readonly of: number;
}

/** What is judged: a host, or together those that have too few packets to be judged alone. */
interface Case extends Tally {
  readonly span: Span;
  readonly host?: string;
}

/** So many bad packets are what the limit allows of as many as are wanted for a verdict: below that, chance decides. */
const BAD_AT_MASS = 3;
const CODES = { losses: 'LOSSES', drops: 'DROPS' } as const;

/**
 * Judges a share of packets. Each host is judged alone where it has packets enough, by its last minutes if it can be; the others
 * together. Above the limit fails, unless hosts that were not reached show the same in the same minutes.
 */
export function judgeShare(gate: ShareGate, facts: GateFacts, { fresh, quiet }: Presences): Found {
  const limit = gate.atMostPercent / 100;
  const mass = Math.ceil(BAD_AT_MASS / limit);
  const asked = [...fresh, ...quiet];
  const told = asked.filter((host) => untold(gate, host) === undefined);
  const { cases, rest } = casesOf(gate, told, mass);
  const worst = cases.filter((one) => isAbove(one, limit)).toSorted((a, b) => b.bad / b.of - a.bad / a.of)[0];
  const others = controlOf(gate, facts, worst?.span ?? 'whole');
  const all = talliesOf(gate, told, worst?.span ?? 'whole');
  const seen = { wave: shareOf(told, all), control: shareOf(others.told, others.tally) };

  if (worst !== undefined) {
    const of = { ...seen, ...(worst.host !== undefined && { host: worst.host }) };
    if (!isAlike(worst, others.tally, limit, mass)) return fails(CODES[gate.kind], shareText(worst), of);
    return waits('INCONCLUSIVE', `${shareText(worst)}, and hosts that do not have it show the same`, of);
  }
  const blind = asked.find((host) => !told.includes(host));
  if (blind !== undefined) {
    const why = `${blind.host} ${untold(gate, blind)}`;
    return waits('TELEMETRY', why, { ...seen, host: blind.host });
  }
  if (isAbove(rest, limit)) return waits('INCONCLUSIVE', `${shareText(rest)}; ${mass} are wanted for a verdict`, seen);
  const now = talliesOf(
    gate,
    told.filter(({ wave }) => wave === facts.wave),
    'whole',
  );
  if (now.of >= mass || (facts.noTrafficOk && told.length > 0)) return passes(shareText(all), seen);
  return waits('NO_TRAFFIC', `${now.of} packets, of ${mass} that are wanted for a verdict`, seen);
}

/** Who can be judged, and what is left of those who cannot: they have too few packets, even together. */
function casesOf(gate: ShareGate, told: readonly JudgedHost[], mass: number): { cases: readonly Case[]; rest: Tally } {
  const cases: Case[] = [];
  const small: JudgedHost[] = [];
  for (const host of told) {
    const span = (['recent', 'whole'] as const).find((one) => tallyOf(gate, host, one).of >= mass);
    if (span === undefined) small.push(host);
    else cases.push({ ...tallyOf(gate, host, span), span, host: host.host });
  }
  const together = talliesOf(gate, small, 'whole');
  if (together.of < mass) return { cases, rest: together };
  return { cases: [...cases, { ...together, span: 'whole' }], rest: { bad: 0, of: 0 } };
}

/** Why a host cannot be judged, in words; undefined where it told all that the share is made of, and lately. */
function untold({ kind }: ShareGate, { counted }: JudgedHost): string | undefined {
  if (counted === undefined) return 'has told no counts yet';
  if (counted.unusable !== undefined) return counted.unusable;
  if (counted.answeredMsAgo > ANSWERS_WITHIN_MS)
    return `told its counts ${Math.round(counted.answeredMsAgo / 1000)} s ago`;
  const { windows } = counted;
  if (windows === null) return 'has told its counts once, and twice are wanted';
  if (kind === 'losses' && (windows.recent.lost === null || windows.whole.lost === null))
    return 'does not watch what becomes of packets that it sends';
  return undefined;
}

function tallyOf({ kind }: ShareGate, { counted }: JudgedHost, span: Span): Tally {
  const window = counted?.windows?.[span];
  if (window === undefined) return { bad: 0, of: 0 };
  if (kind === 'drops') return { bad: window.dropped, of: window.packets };
  return { bad: window.lost ?? 0, of: window.redirected };
}

function talliesOf(gate: ShareGate, hosts: readonly JudgedHost[], span: Span): Tally {
  const tallies = hosts.map((host) => tallyOf(gate, host, span));
  return tallies.reduce(({ bad, of }, more) => ({ bad: bad + more.bad, of: of + more.of }), { bad: 0, of: 0 });
}

function controlOf(gate: ShareGate, { control, freshMs }: GateFacts, span: Span): { told: JudgedHost[]; tally: Tally } {
  const fresh = control.filter((host) => presenceOf(host, freshMs) === 'fresh');
  const told = fresh.filter((host) => untold(gate, host) === undefined);
  return { told, tally: talliesOf(gate, told, span) };
}

function isAbove({ bad, of }: Tally, limit: number): boolean {
  return bad > limit * of;
}

/** Whether hosts that were not reached are above the limit as well, and at least half as far. */
function isAlike(worst: Tally, others: Tally, limit: number, mass: number): boolean {
  return others.of >= mass && isAbove(others, limit) && (others.bad / others.of) * 2 >= worst.bad / worst.of;
}

function shareOf(told: readonly JudgedHost[], { bad, of }: Tally): Share | null {
  return told.length === 0 ? null : { count: bad, of };
}

function shareText({ bad, of }: Tally): string {
  return of === 0 ? 'no packets' : `${bad} of ${of} packets, ${percentText((bad / of) * 100)} %`;
}

function percentText(percent: number): string {
  return percent === 0 || percent >= 10 ? percent.toFixed(0) : percent.toPrecision(2);
}
