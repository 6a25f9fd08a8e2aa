import { SERIES_EVERY_MS, SERIES_POINTS } from '../../protocol/top.ts';
import type { HostTraffic, Sample } from './host-traffic.ts';
import { rateOf } from './rates-now.ts';

/** A redirect, by the number of its name, on one host or, without one, on all. */
interface Line {
  readonly id: number;
  readonly on: HostTraffic | undefined;
}

/**
 * Either all lines are on a host, or none is. Packets a second of redirects at points in time, the last one now; null where none of its hosts is known. A host whose rates are
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
  const linesOn = Map.groupBy(lines.keys(), (at) => lines[at]?.on);
  const everywhere = linesOn.get(undefined) ?? [];
  /** By number, the line of it, from 1 on; 0 for none. */
  const lineOf = new Uint32Array(names);
  const setLines = (of: readonly number[], is: boolean): void => {
    for (const at of of) lineOf[lines[at]?.id ?? 0] = is ? at + 1 : 0;
  };
  setLines(everywhere, true);
  for (const host of hosts) {
    const own = linesOn.get(host) ?? [];
    if (own.length + everywhere.length === 0) continue;
    setLines(own, true);
    const its = host.ids.filter((id) => lineOf[id] !== 0);
    for (let point = 0; point < SERIES_POINTS; point += 1) {
      const sample = host.sampleAt(nowMs - (SERIES_POINTS - 1 - point) * SERIES_EVERY_MS);
      if (sample === undefined) continue;
      if (sample.complete) for (const id of its) mark(known[(lineOf[id] ?? 0) - 1], point);
      addUp(sample, point, lineOf, { sums, known });
    }
    setLines(own, false);
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
