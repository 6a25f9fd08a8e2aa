import { SERIES_EVERY_MS, SERIES_POINTS } from '../../protocol/top.ts';
import type { HostTraffic, Sample } from './host-traffic.ts';
import type { NameTable } from './name-table.ts';
import { rateOf } from './rates-now.ts';

/** A redirect, and who told of it. */
interface Line {
  readonly name: string;
  readonly on: readonly HostTraffic[];
}

/**
 * Packets a second of redirects at points in time, the last one now; null where none of its hosts is known. A host whose rates are
 * not known at a point adds nothing to it.
 */
export function seriesOf(lines: readonly Line[], names: NameTable, nowMs: number): readonly (number | null)[][] {
  const sums = lines.map(() => new Float64Array(SERIES_POINTS));
  const known = lines.map(() => new Uint8Array(SERIES_POINTS));
  /** By the number of a name, the line that it has on the host at hand; 0 for none. */
  const lineOf = new Uint32Array(names.size);
  for (const [host, its] of byHost(lines)) {
    for (const at of its) lineOf[names.idOf(lines[at]?.name ?? '') ?? -1] = at + 1;
    for (const [point, sample] of samplesOf(host, nowMs).entries()) {
      if (sample === undefined) continue;
      if (sample.complete) for (const at of its) mark(known[at], point);
      for (const [i, id] of sample.ids.entries()) {
        const at = (lineOf[id] ?? 0) - 1;
        if (at < 0) continue;
        mark(known[at], point);
        const sum = sums[at];
        if (sum !== undefined) sum[point] = (sum[point] ?? 0) + (sample.rates[i * 3] ?? 0);
      }
    }
    for (const at of its) lineOf[names.idOf(lines[at]?.name ?? '') ?? -1] = 0;
  }
  return sums.map((sum, at) => Array.from(sum, (rate, point) => (known[at]?.[point] === 1 ? rateOf(rate) : null)));
}

/** Of each host, which lines it has. */
function byHost(lines: readonly Line[]): ReadonlyMap<HostTraffic, readonly number[]> {
  const found = new Map<HostTraffic, number[]>();
  for (const [at, { on }] of lines.entries()) {
    for (const host of on) {
      const its = found.get(host);
      if (its === undefined) found.set(host, [at]);
      else its.push(at);
    }
  }
  return found;
}

function samplesOf(host: HostTraffic, nowMs: number): readonly (Sample | undefined)[] {
  return Array.from({ length: SERIES_POINTS }, (_, point) =>
    host.sampleAt(nowMs - (SERIES_POINTS - 1 - point) * SERIES_EVERY_MS),
  );
}

function mark(known: Uint8Array | undefined, point: number): void {
  if (known !== undefined) known[point] = 1;
}
