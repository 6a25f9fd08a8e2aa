import { SERIES_EVERY_MS, SERIES_POINTS } from '../../protocol/top.ts';
import type { HostTraffic, Sample } from './host-traffic.ts';
import { rateOf } from './rates-now.ts';

/** A redirect, by the number of its name, on one host or, without one, on all. */
interface Line {
  readonly id: number;
  readonly on: HostTraffic | undefined;
}

/**
 * Packets a second of redirects at points in time, the last one now; null where none of its hosts is known. A host whose rates are
 * not known at a point adds nothing to it. `names`: every number is less.
 */
export function seriesOf(
  lines: readonly Line[],
  hosts: readonly HostTraffic[],
  names: number,
  nowMs: number,
): readonly (number | null)[][] {
  const sums = lines.map(() => new Float64Array(SERIES_POINTS));
  const known = lines.map(() => new Uint8Array(SERIES_POINTS));
  /** By number, the line that it has on the host at hand; 0 for none. */
  const lineOf = new Uint32Array(names);
  for (const host of hosts) {
    const its = lines.flatMap(({ id, on }, at) => ((on === undefined ? host.has(id) : on === host) ? [at] : []));
    if (its.length === 0) continue;
    for (const at of its) lineOf[lines[at]?.id ?? 0] = at + 1;
    for (let point = 0; point < SERIES_POINTS; point += 1) {
      const sample = host.sampleAt(nowMs - (SERIES_POINTS - 1 - point) * SERIES_EVERY_MS);
      if (sample === undefined) continue;
      if (sample.complete) for (const at of its) mark(known[at], point);
      addUp(sample, point, lineOf, { sums, known });
    }
    for (const at of its) lineOf[lines[at]?.id ?? 0] = 0;
  }
  return sums.map((sum, at) => Array.from(sum, (rate, point) => (known[at]?.[point] === 1 ? rateOf(rate) : null)));
}

function addUp(
  { ids, rates }: Sample,
  point: number,
  lineOf: Uint32Array,
  { sums, known }: { readonly sums: readonly Float64Array[]; readonly known: readonly Uint8Array[] },
): void {
  for (let i = 0; i < ids.length; i += 1) {
    const line = lineOf[ids[i] ?? 0] ?? 0;
    if (line === 0) continue;
    mark(known[line - 1], point);
    const sum = sums[line - 1];
    if (sum !== undefined) sum[point] = (sum[point] ?? 0) + (rates[i * 3] ?? 0);
  }
}

function mark(known: Uint8Array | undefined, point: number): void {
  if (known !== undefined) known[point] = 1;
}
