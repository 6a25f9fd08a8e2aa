import type { Footing } from '../model/footing.ts';
import type { Mark } from '../model/mark.ts';
import type { Stored } from '../ports.ts';

/** How a store that was just opened stands, beside the mark that the kernel has of it (R8). */
export function atStart(stored: Pick<Stored, 'cursor' | 'digest' | 'seq' | 'sound'>, mark: Mark | undefined): Footing {
  const { cursor: at, digest } = stored;
  const behind = mark !== undefined && mark.seq > stored.seq;
  const have = behind ? { epoch: mark.epoch, rev: mark.rev } : at;
  if (!stored.sound) return { is: 'unproven', at, have, why: 'STORE_DAMAGED' };
  if (behind) return { is: 'unproven', at, have, why: 'ADOPTING' };
  return at.epoch === '' ? { is: 'unproven', at, have, why: 'EMPTY' } : { is: 'follows', at, digest };
}
