import type { EpochRow } from '../store/schema.ts';

/** Of which the name of an epoch is made. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789.-_';
/** Numbers are flipped in so many bits. */
const BITS = 48;

/** A row of an epoch as it is, and as it may have been before one bit of it, or one letter, became another. */
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

function flips(number: number): number[] {
  return Array.from({ length: BITS }, (_, bit) => Number(BigInt(number) ^ (1n << BigInt(bit))));
}

function respelt(text: string): string[] {
  return [...text].flatMap((_, at) => [...LETTERS].map((letter) => text.slice(0, at) + letter + text.slice(at + 1)));
}
