import { type Claim, compareClaims, contends, type HostFacts, isTie } from '../model/claim.ts';

/** What stands at a key of a host: the winner's body, and who would have it if the winner went, best first. */
export interface Compiled {
  readonly name: string;
  readonly body: string;
  readonly shadowed: readonly string[];
  /** The first of them has it not for its name alone. */
  readonly tie?: true;
}

/**
 * Compiles some keys of one host from every claim to them: `undefined` where nobody claims the key any more.
 * The same for one changed key and for the whole of a host.
 */
export function compileKeys(
  keys: Iterable<string>,
  claims: ReadonlyMap<string, readonly Claim[]>,
  host: HostFacts,
): Map<string, Compiled | undefined> {
  const compiled = new Map<string, Compiled | undefined>();
  for (const key of keys) compiled.set(key, compileKey(claims.get(key) ?? [], host));
  return compiled;
}

function compileKey(claims: readonly Claim[], host: HostFacts): Compiled | undefined {
  const contenders = claims.filter((claim) => contends(claim, host)).sort(compareClaims);
  const [winner, ...losers] = contenders;
  const [second] = losers;
  return (
    winner && {
      name: winner.name,
      body: winner.body,
      shadowed: losers.map((loser) => loser.name),
      ...(second !== undefined && isTie(winner, second) && { tie: true }),
    }
  );
}
