import type { Testbed } from './testbed.ts';

/** Offsets in struct key4 and struct value of bpf/abi.h. */
const DST = 4;
const DMAC = 40;

/** The IPv4 redirects in the kernel, as `destination MAC`. */
export async function inKernel(bed: Testbed): Promise<Set<string>> {
  const entries = await bed.entries('redirect4');
  return new Set(entries.map(({ key, value }) => `${decimal(key, DST, 4)} ${hex(value, DMAC, 6)}`));
}

function decimal(bytes: readonly string[], from: number, count: number): string {
  return bytes
    .slice(from, from + count)
    .map(Number)
    .join('.');
}

function hex(bytes: readonly string[], from: number, count: number): string {
  return bytes
    .slice(from, from + count)
    .map((byte) => byte.slice(2))
    .join(':');
}
