import { LIMITS } from './abi.ts';

/** Elements of the maps of a table: both halves of its rows, and of its filter in words of 64 bits. Without a table, one each. */
export function tableSize(rowBits: number): { readonly rows: number; readonly filter: number } {
  if (rowBits === 0) return { rows: 1, filter: 1 };
  const rows = 2 * 2 ** rowBits;
  return { rows, filter: (rows * LIMITS.FILTER_BITS) / 64 };
}

/** The other way round: of how many rows the map is, to `rowBits`. */
export function rowBitsOf(rows: number): number {
  return rows === 1 ? 0 : Math.log2(rows) - 1;
}
