import { CODES, type Code } from '../../protocol/codes.ts';
import { type HostProblem, MAX_HOST_PROBLEMS } from '../../protocol/status.ts';

/** Of several, a host names the gravest first: in the order in which codes are listed. */
const ORDER: readonly string[] = Object.keys(CODES);

/** A problem of this agent's own; what others report may have other codes. */
export type Problem = HostProblem & { readonly code: Code };

/** Lists what is wrong now, each code once; what was wrong before is so since then. Times in ms since 1970. */
export function carryOn(before: readonly Problem[], codes: readonly Code[], nowMs: number): readonly Problem[] {
  const since = new Map(before.map((problem) => [problem.code, problem.since]));
  return [...new Set(codes)]
    .sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))
    .slice(0, MAX_HOST_PROBLEMS)
    .map((code) => ({ code, since: since.get(code) ?? nowMs }));
}
