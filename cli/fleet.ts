import { MAX_LIMIT } from '../protocol/ask.ts';
import type { Labels } from '../protocol/host.ts';
import { encodeHostsRequest, type HostItem, parseHostsReply, type SpecsDamage } from '../protocol/listings.ts';
import { compareNames } from '../protocol/order.ts';
import type { Bus } from './client.ts';
import { collect } from './paging.ts';
import type { Terminal } from './show/terminal.ts';

/** Reads every host that the controller knows, and what is missing from its database. */
export async function readFleet(
  bus: Pick<Bus, 'api'>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<{
  readonly items: readonly HostItem[];
  readonly damage: SpecsDamage | undefined;
  /** The controller's time, by which hosts are silent; one of an older release does not say. */
  readonly nowMs: number;
}> {
  let damage: SpecsDamage | undefined;
  let nowMs = Date.now();
  const items = await collect(async (after) => {
    const request = encodeHostsRequest({ v: 1, ...(after !== undefined && { after }), limit: MAX_LIMIT });
    const page = await bus.api('hosts', request, parseHostsReply);
    damage = page.damage;
    nowMs = page.at ?? nowMs;
    return page;
  }, terminal);
  return { items: items.toSorted((a, b) => compareNames(a.host, b.host)), damage, nowMs };
}

/** Those of some hosts that have all the labels. */
export function withLabels(items: readonly HostItem[], labels: Labels = {}): readonly HostItem[] {
  const wanted = Object.entries(labels);
  return items.filter((item) => wanted.every(([key, value]) => item.labels[key] === value));
}
