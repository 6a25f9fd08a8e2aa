import type { Testbed } from './testbed.ts';

/** Offset in struct key4 of bpf/abi.h, the same in every layout. */
const DST = 4;
const MAC_BYTES = 6;

/** The IPv4 redirects in the kernel, as `destination MAC`. */
export async function inKernel(bed: Testbed): Promise<Set<string>> {
  const entries = await bed.entries('redirect4');
  return new Set(
    entries.map(({ key, formatted }) => `${decimal(key, DST, 4)} ${mac(formatted.value.dmac as readonly number[])}`),
  );
}

function decimal(bytes: readonly string[], from: number, count: number): string {
  return bytes
    .slice(from, from + count)
    .map(Number)
    .join('.');
}

function mac(bytes: readonly number[]): string {
  return bytes
    .slice(0, MAC_BYTES)
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join(':');
}
