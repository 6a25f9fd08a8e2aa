import type { AnyCode, Code } from '../../protocol/codes.ts';
import type { GateVerdict } from '../../protocol/gate.ts';

/** What was found of a gate. */
export type Found = Omit<GateVerdict, 'gate'>;
/** What it was found by, and the host and the redirect that decided, where one did. */
export type Seen = Pick<GateVerdict, 'host' | 'name' | 'wave' | 'control'>;

export function passes(why: string, seen: Seen): Found {
  return { verdict: 'PASS', why, ...seen };
}

export function fails(code: AnyCode, why: string, seen: Seen): Found {
  return { verdict: 'FAIL', code, why, ...seen };
}

/** Nobody knows yet: the rollout waits, and in the end is paused for this. */
export function waits(
  code: Extract<Code, 'TELEMETRY' | 'NO_TRAFFIC' | 'INCONCLUSIVE'>,
  why: string,
  seen: Seen,
): Found {
  return { verdict: 'INCONCLUSIVE', code, why, ...seen };
}
