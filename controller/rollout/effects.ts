import type { Collateral } from '../../protocol/effects.ts';
import type { RolloutStartRequest } from '../../protocol/rollout-start.ts';
import { Preview, type Proposal } from '../compile/preview.ts';
import { sizeOf } from '../compile/preview-report.ts';
import { type HostSize, requireSizes } from '../desk/size-gate.ts';
import { someText } from '../model/count-words.ts';
import { Declined } from '../model/declined.ts';
import type { Hear } from '../ports.ts';
import type { WaveHost } from './waves.ts';

/** What would become of all hosts, as far as it is judged before a rollout begins. */
export interface Effects {
  readonly hosts: readonly WaveHost[];
  readonly sizes: readonly HostSize[];
  readonly collateral: readonly Collateral[];
}

/** Works out what a rollout would do to each host, without doing it. */
export async function effectsOf(proposal: Proposal, turn: () => Promise<void>, hear: Hear): Promise<Effects> {
  const hosts: WaveHost[] = [];
  const sizes: HostSize[] = [];
  const collateral: Collateral[] = [];
  for (const group of new Preview(proposal).groups(0)) {
    await turn();
    if (group === undefined) continue;
    const size = sizeOf(group);
    const moves = group.changes.length > 0;
    for (const { host, labels, known } of group.hosts) {
      sizes.push({ host, size });
      if (known) hosts.push({ host, labels, moves });
    }
    collateral.push(...group.collateral);
    hear(sizes.length);
  }
  return { hosts, sizes, collateral };
}

/** Errors: Declined, where it does more than its terms say. */
export function requireModest({ sizes, collateral }: Effects, terms: RolloutStartRequest): void {
  requireSizes(sizes, terms);
  if (collateral.length === 0 || terms.acceptCollateral) return;
  const texts = [...new Set(collateral.map(({ name, effect, by }) => `${name} ${effect} (by ${by})`))];
  throw new Declined(
    'COLLATERAL',
    `redirects that it does not name would be touched: ${someText(texts)}; nothing was changed: see shunt plan, and repeat it with --accept-collateral`,
  );
}
