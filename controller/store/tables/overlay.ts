import type { Claim } from '../../model/claim.ts';
import type { Session } from '../session.ts';
import type { RolloutHostTable } from './rollout-hosts.ts';
import type { Candidate, RolloutSpecTable } from './rollout-specs.ts';

/**
 * What rollouts that are under way make of the claims of specs: on the hosts that one has reached, what it brings counts
 * instead of what stands under the same name. Of one transaction.
 */
export class Overlay {
  readonly #session: Session;
  readonly #specs: RolloutSpecTable;
  readonly #hosts: RolloutHostTable;
  readonly #reached = new Map<string, ReadonlySet<string>>();

  constructor(session: Session, specs: RolloutSpecTable, hosts: RolloutHostTable) {
    this.#session = session;
    this.#specs = specs;
    this.#hosts = hosts;
  }

  /** All claims to a key that a rollout holds. */
  async atKey(rollout: string, key: string, bases: readonly Claim[]): Promise<Claim[]> {
    const candidates = await this.#specs.atKey(this.#session, rollout, key);
    return [...(await this.whereNotReached(bases)), ...(await this.whereReached(candidates))];
  }

  /** What stands, but not on the hosts that have something else by now. */
  async whereNotReached(bases: readonly Claim[]): Promise<Claim[]> {
    const claims: Claim[] = [];
    for (const claim of bases) {
      const rollout = await this.#specs.holderOfName(this.#session, claim.name);
      claims.push(rollout === undefined ? claim : { ...claim, notOn: await this.#reachedBy(rollout) });
    }
    return claims;
  }

  /** What is brought, on the hosts that have it by now. */
  async whereReached(candidates: readonly Candidate[]): Promise<Claim[]> {
    const claims: Claim[] = [];
    for (const { rollout, claim } of candidates)
      if (claim !== undefined) claims.push({ ...claim, onlyOn: await this.#reachedBy(rollout) });
    return claims;
  }

  async #reachedBy(rollout: string): Promise<ReadonlySet<string>> {
    const known = this.#reached.get(rollout) ?? (await this.#hosts.reached(this.#session, rollout));
    this.#reached.set(rollout, known);
    return known;
  }
}
