import type { SpecsDamage } from '../../protocol/damage.ts';
import { countText } from './format.ts';

/** Each has to be decided on, so more than a few are named. */
const SHOWN = 20;

/** What is missing from the controller's database, and how to put it right. */
export function damageText({ code, missing, nameless, standing, standingTotal }: SpecsDamage): {
  readonly found: string;
  readonly mend: string;
} {
  const names = standing.map(({ name, gone }) => (gone ? name : `${name} (as another)`));
  const rest = standingTotal > SHOWN ? ` and ${standingTotal - SHOWN} more` : '';
  const parts = [
    `${code}: ${countText(missing, 'redirect')} missing from the controller's database`,
    standingTotal > 0 && `on hosts, and in no redirect: ${names.slice(0, SHOWN).join(', ')}${rest}`,
    nameless > 0 && `on no host, so that nobody knows the names: ${nameless}`,
  ];
  return {
    found: parts.filter(Boolean).join('; '),
    mend: 'apply the files again that have them, or shunt delete NAME what is wanted no more; until then nothing that stands goes',
  };
}
