import type { RatesNow } from '../ports.ts';
import type { HostTraffic, Sample } from './host-traffic.ts';
import type { NameTable } from './name-table.ts';

/** Adds up what hosts told last, once for any number of redirects. */
export function ratesNow(hosts: ReadonlyMap<string, HostTraffic>, names: NameTable, nowMs: number): RatesNow {
  const complete = new Set<string>();
  const [packets, bytes] = [new Float64Array(names.size), new Float64Array(names.size)];
  /** By name, those hosts that list it, and say nothing of who they do not list. */
  const listed = new Uint32Array(names.size);
  for (const [host, traffic] of hosts) {
    const sample = traffic.sampleAt(nowMs);
    if (sample === undefined) continue;
    if (sample.complete) complete.add(host);
    addUp(sample, packets, bytes);
    if (!sample.complete) for (const id of sample.ids) listed[id] = (listed[id] ?? 0) + 1;
  }
  const of: RatesNow['of'] = (name, on) => {
    const id = names.idOf(name) ?? -1;
    const known = Math.min((listed[id] ?? 0) + on.complete, on.total);
    if (known === 0) return undefined;
    return { packets: rateOf(packets[id] ?? 0), bytes: rateOf(bytes[id] ?? 0), hosts: known };
  };
  return { of, isComplete: (host) => complete.has(host) };
}

/** A rate as it is told: to a thousandth, so that a packet in a minute is none of 0. */
export function rateOf(perSecond: number): number {
  return Math.round(perSecond * 1000) / 1000;
}

function addUp({ ids, rates }: Sample, packets: Float64Array, bytes: Float64Array): void {
  for (let at = 0; at < ids.length; at += 1) {
    const id = ids[at] ?? 0;
    packets[id] = (packets[id] ?? 0) + (rates[at * 3] ?? 0);
    bytes[id] = (bytes[id] ?? 0) + (rates[at * 3 + 1] ?? 0);
  }
}
