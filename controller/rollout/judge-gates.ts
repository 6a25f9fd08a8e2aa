import { formatGate, type Gate, type GateVerdict, type Share } from '../../protocol/gate.ts';
import { isSilentFor } from '../../protocol/status.ts';
import type { GateFacts, JudgedHost, Judgement, Trouble } from './gates.ts';
import { heardText, howManyHeard, type Presences, presencesOf } from './presence.ts';
import { judgeShare } from './share-gates.ts';
import { type Found, fails, passes, type Seen, waits } from './verdicts.ts';

/** A next hop that does not answer yet is told as one that never will; for so long it may be either. */
const MAY_PASS_MS = 10_000;

/**
 * What is asked in a wave: whatever is always asked, unless the operator wrote it otherwise, and what he wrote beside. That
 * packets meet the change is asked in the first wave, unless there need be none.
 */
export function gatesOf(
  given: readonly Gate[],
  { wave, noTrafficOk }: Pick<GateFacts, 'wave' | 'noTrafficOk'>,
): readonly Gate[] {
  const always: Gate[] = [
    { kind: 'verified', atLeastPercent: 100 },
    { kind: 'exceptions', atMost: 0 },
  ];
  if (wave === 1 && !noTrafficOk) always.push({ kind: 'hits', atLeast: 1 });
  return [...always.filter(({ kind }) => !given.some((gate) => gate.kind === kind)), ...given];
}

/**
 * Judges by what is known of the hosts. A gate that fails decides, whatever the others say; then one that knows too little; only
 * where all pass the rollout goes on. Pure and total: what is not known is inconclusive.
 */
export function judgeGates(gates: readonly Gate[], facts: GateFacts): Judgement {
  const presences = presencesOf(facts);
  const judged = gates.map((gate) => ({ gate: formatGate(gate), ...judge(gate, facts, presences) }));
  const cause = judged.toSorted((a, b) => gravityOf(b) - gravityOf(a))[0];
  if (cause === undefined) return { verdict: 'INCONCLUSIVE', gates: [] }; // nothing was asked, so nothing is known
  return cause.verdict === 'PASS'
    ? { verdict: 'PASS', gates: judged }
    : { verdict: cause.verdict, cause, gates: judged };
}

function gravityOf({ verdict, code }: GateVerdict): number {
  if (verdict === 'PASS') return 0;
  if (verdict === 'FAIL') return 4;
  return code === 'TELEMETRY' ? 3 : code === 'NO_TRAFFIC' ? 2 : 1;
}

function judge(gate: Gate, facts: GateFacts, presences: Presences): Found {
  switch (gate.kind) {
    case 'verified':
      return judgeVerified(gate.atLeastPercent, facts, presences);
    case 'exceptions':
      return judgeExceptions(gate.atMost, facts, presences);
    case 'hits':
      return judgeHits(gate.atLeast, facts);
    case 'losses':
    case 'drops':
      return judgeShare(gate, facts, presences);
    case 'external':
      return judgeExternal(facts);
  }
}

function judgeVerified(atLeastPercent: number, facts: GateFacts, presences: Presences): Found {
  const { fresh, quiet } = presences;
  const asked = fresh.length + quiet.length;
  const sure = fresh.filter(({ verified }) => verified).length;
  const seen = {
    wave: { count: sure, of: asked },
    control: shareOf(facts.control, (hosts) => howManyHeard(hosts, facts.freshMs), facts.control.length),
  };
  const silence = judgeSilence(facts, presences, seen);
  if (silence !== undefined) return silence;
  if (asked > 0 && sure * 100 >= atLeastPercent * asked)
    return passes(`${sure} of ${asked} hosts have verified it`, seen);
  const behind = fresh.find(({ verified }) => !verified);
  if (behind === undefined) return notHeard(quiet[0], seen);
  return waits('INCONCLUSIVE', `${behind.host} has yet to verify it`, { ...seen, host: behind.host });
}

/**
 * That more hosts are silent than may be fails, unless others are not heard either: then nobody knows. Of hosts that were all gone,
 * some are heard again before others.
 */
function judgeSilence(facts: GateFacts, { silent, othersHeard }: Presences, seen: Seen): Found | undefined {
  const away = silent[0];
  if (away === undefined || silent.length <= facts.maxUnreachable) return undefined;
  const why = `${silent.length} silent, ${facts.maxUnreachable} may be; ${away.host} ${heardText(away)}`;
  if (othersHeard && !isSilentFor(facts.othersHeardMs))
    return waits('TELEMETRY', `${why}, and others are heard for ${Math.round(facts.othersHeardMs / 1000)} s only`, {
      ...seen,
      host: away.host,
    });
  if (othersHeard) return fails('HOST_SILENT', `${why}, and others are heard`, { ...seen, host: away.host });
  return waits('TELEMETRY', `${why}, and others are not heard either`, { ...seen, host: away.host });
}

function notHeard(host: JudgedHost | undefined, seen: Seen): Found {
  if (host === undefined) return waits('TELEMETRY', 'no host that has it is heard', seen);
  return waits('TELEMETRY', `${host.host} ${heardText(host)}`, { ...seen, host: host.host });
}

function judgeExceptions(atMost: number, facts: GateFacts, { fresh, quiet }: Presences): Found {
  const found = facts.reached.flatMap((host) => host.troubles.map((trouble) => ({ host: host.host, trouble })));
  const lasting = found.filter(({ trouble }) => isLasting(trouble));
  const young = found.filter(({ trouble }) => !isLasting(trouble));
  const countOf = (hosts: readonly JudgedHost[]) => hosts.flatMap(({ troubles }) => troubles).filter(isLasting).length;
  const seen = {
    wave: { count: found.length },
    control: shareOf(facts.control, countOf),
  };
  const of = ({ host, trouble }: (typeof found)[number]) => ({ ...seen, host, ...nameOf(trouble) });

  const [worst, fresher] = [lasting[0], young[0]];
  if (worst !== undefined && lasting.length > atMost)
    return fails(worst.trouble.code ?? 'EXCEPTIONS', troubleText(worst.trouble), of(worst));
  if (fresher !== undefined && found.length > atMost)
    return waits('INCONCLUSIVE', `${troubleText(fresher.trouble)}, which may yet pass`, of(fresher));
  const cut = facts.reached.find(({ troublesCut }) => troublesCut);
  if (cut !== undefined)
    return waits('INCONCLUSIVE', `${cut.host} has more exceptions than it lists`, { ...seen, host: cut.host });
  if (quiet.length > 0 || fresh.length === 0) return notHeard(quiet[0], seen);
  return passes(found.length === 0 ? 'none' : `${found.length}, and ${atMost} may be`, seen);
}

/** What a host decided for good stays so; the rest may find its next hop, or its interface, in a moment. */
function isLasting({ state, forMs }: Trouble): boolean {
  return state === 'denied' || state === 'failed' || forMs >= MAY_PASS_MS;
}

function nameOf({ name }: Trouble): Pick<Seen, 'name'> {
  return name === undefined ? {} : { name };
}

function troubleText({ name, state, code }: Trouble): string {
  const how = code === undefined ? state : `${state} ${code}`;
  return name === undefined ? `the host is ${how}` : `${name} is ${how}`;
}

/** A hit proves itself, however long ago; those of an earlier wave say nothing of this one. */
function judgeHits(atLeast: number, facts: GateFacts): Found {
  const wave = facts.reached.filter((host) => host.wave === facts.wave);
  const told = wave.filter(isCounting);
  const hits = hitsOf(told);
  const seen = {
    wave: shareOf(told, hitsOf),
    control: shareOf(facts.control.filter(isCounting), hitsOf),
  };
  if (!facts.puts) return passes('it only deletes, so packets have nothing to meet', seen);
  if (hits >= atLeast) return passes(`${hits} packets met it`, seen);
  if (facts.noTrafficOk) return passes(`${hits} packets met it, and there need be none`, seen);
  const blind = wave.find((host) => !told.includes(host));
  if (blind === undefined) return waits('NO_TRAFFIC', `${hits} packets met it, of ${atLeast} that are wanted`, seen);
  const why = `${blind.host} ${blind.counted?.unusable ?? 'has told no counts yet'}`;
  return waits('TELEMETRY', why, { ...seen, host: blind.host });
}

function isCounting({ counted }: JudgedHost): boolean {
  return counted !== undefined && counted.unusable === undefined;
}

function hitsOf(hosts: readonly JudgedHost[]): number {
  return hosts.reduce((sum, { counted }) => sum + (counted?.hits ?? 0), 0);
}

/** Silence is no consent, and a word on one wave is none on the next. */
function judgeExternal({ external, wave }: GateFacts): Found {
  const seen = { wave: null, control: null };
  if (external === null) return waits('INCONCLUSIVE', `no verdict on wave ${wave} yet`, seen);
  const why = `${external.by}: ${external.reason}`;
  if (external.verdict === 'fail') return fails('EXTERNAL', why, seen);
  if (external.wave === wave) return passes(why, seen);
  return waits('INCONCLUSIVE', `no verdict on wave ${wave} yet; the last was on wave ${external.wave}`, seen);
}

/** What is seen of hosts; nothing where there are none. */
function shareOf(
  hosts: readonly JudgedHost[],
  count: (hosts: readonly JudgedHost[]) => number,
  of?: number,
): Share | null {
  return hosts.length === 0 ? null : { count: count(hosts), ...(of !== undefined && { of }) };
}
