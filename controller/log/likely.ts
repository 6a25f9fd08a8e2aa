import type { EpochRow } from '../store/schema.ts';

/** Of which the name of an epoch is made. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789.-_';
/** Numbers are flipped in so many bits. */
const BITS = 48;

/**
 * A row of an epoch as it is, and as it may have been before one bit of it, or one letter, became another. A flip may also
 * have made something else of a text or a number: of what it was nothing is left then.
 */
export function likely({ epoch, ordinal, first_rev, superseded }: EpochRow): Omit<EpochRow, 'checksum'>[] {
  const row = { epoch, ordinal, first_rev, superseded };
  return [
    row,
    ...flips(ordinal).map((is) => ({ ...row, ordinal: is })),
    ...flips(first_rev).map((is) => ({ ...row, first_rev: is })),
    { ...row, superseded: 1 - superseded },
    ...respelt(epoch).map((is) => ({ ...row, epoch: is })),
  ];
}

function flips(number: unknown): number[] {
  if (!Number.isSafeInteger(number)) return [];
  return Array.from({ length: BITS }, (_, bit) => Number(BigInt(number as number) ^ (1n << BigInt(bit))));
}

function respelt(text: unknown): string[] {
  if (typeof text !== 'string') return [];
  return [...text].flatMap((_, at) => [...LETTERS].map((letter) => text.slice(0, at) + letter + text.slice(at + 1)));
}
