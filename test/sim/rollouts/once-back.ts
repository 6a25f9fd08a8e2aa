import type { Fleet } from './fleet.ts';
import type { LightHost } from './host.ts';
import { type Rollout, specOf } from './look.ts';
import { isConfirmed, later, once, soon } from './moments.ts';
import { askOutstanding } from './outstanding.ts';
import type { Wish } from './schedule.ts';
import type { Ways } from './weather.ts';

/** By then a host has heard what it missed, by its own sync. */
const HEARD_WITHIN_MS = 60_000;
const CONFIRM_WITHIN_MS = 20_000;
/** Until then it has said how it is. */
const SAID_WITHIN_MS = 20_000;
const APPLIED_WITHIN_MS = 200;

/** A host that has a redirect of a rollout for good, and somebody's wish to have another one there. */
interface Holding {
  readonly light: LightHost;
  readonly wish: Wish;
}

/**
 * A rollout goes back while a host is away that has it and is confirmed, and somebody changes what went back before the host hears
 * of either. It is away again as soon as it has that, so nobody confirms it: what comes back is what the rollout brought.
 */
export function changeOnceBack(fleet: Fleet): void {
  const { judge, operator } = fleet;
  once(
    fleet,
    (rollout) => holdingOf(fleet, rollout) !== undefined,
    (rollout) => {
      const holding = holdingOf(fleet, rollout);
      if (holding === undefined) return;
      part(holding.light, 'both');
      operator.abort(rollout.id);
      const unwatch = judge.watch(() => {
        if (judge.look.rollouts.get(rollout.id)?.state !== 'ROLLED_BACK') return;
        unwatch();
        change(fleet, rollout, holding);
      });
    },
  );
}

function change(fleet: Fleet, { id }: Rollout, { light, wish }: Holding): void {
  const { operator } = fleet;
  const isChanged = (): boolean => [...light.disk.pending.values()].some(({ name }) => name === wish.name);
  operator.apply([wish], CONFIRM_WITHIN_MS);
  later(fleet, APPLIED_WITHIN_MS, () => part(light, 'none'));
  const losesIt = (): void => {
    part(light, 'both');
    later(fleet, CONFIRM_WITHIN_MS + 1_000, () => part(light, 'none'));
    later(fleet, CONFIRM_WITHIN_MS + SAID_WITHIN_MS, () => {
      askOutstanding(fleet, id);
      operator.apply([wish]);
    });
  };
  soon(fleet, isChanged, losesIt, HEARD_WITHIN_MS);
}

function part({ bent, packets }: LightHost, ways: Ways): void {
  bent.ways = ways;
  packets.changed();
}

function holdingOf(fleet: Fleet, { id, state, hosts, specs }: Rollout): Holding | undefined {
  if (state !== 'RUNNING') return undefined;
  for (const placed of hosts.values()) {
    const light = fleet.hosts.get(placed.host);
    if (light === undefined || placed.state !== 'published' || !isConfirmed(fleet, placed)) continue;
    const held = [...light.kernel.values()].find((value) => fleet.judge.reach.hasOf(id, [value]));
    const after = held === undefined ? undefined : specs.get(nameIn(held))?.after;
    if (after) return { light, wish: wishOf(after) };
  }
  return undefined;
}

function nameIn(body: string): string {
  return (JSON.parse(body) as { readonly name: string }).name;
}

function wishOf(text: string): Wish {
  const { name, hosts, match, priority, enabled } = specOf(text);
  const at = Number(/\.(\d+)\/32$/.exec(match.dst)?.[1]);
  return { name, hosts, at, priority, enabled, kind: 'plain' };
}
