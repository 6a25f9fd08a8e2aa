import { Fleet } from './fleet.ts';
import { isActive } from './look.ts';
import type { Kind } from './value.ts';

/** How a rollout ended: what hosts hold, and how many revisions that took. */
export interface End {
  readonly state: string;
  readonly held: string;
  readonly revisions: number;
  /** How often the controller waited for something, at any of which it may die or stop; of one that did neither. */
  readonly waits: { readonly dies: number; readonly stops: number };
  readonly wrong: readonly string[];
}

/** What happens to the controller in the middle of it. */
export type Blow =
  | { readonly does: 'nothing' }
  /** It dies where it has waited so often, and another one is started. */
  | { readonly does: 'dies'; readonly afterWaits: number }
  /** It stops there for ten minutes; the other one is not there, or goes on. */
  | { readonly does: 'stops'; readonly afterWaits: number; readonly other: boolean };

const HOSTS = 4;
const STOPS_MS = 600_000;
const WITHIN_MS = 1_500_000;
const LOOK_EVERY_MS = 100;
const ASK_EVERY_MS = 10_000;
const MANY = 1e9;

/** Plays one and the same rollout, which is to reach all, or to go back. */
export async function endOf(kind: Kind, blow: Blow): Promise<End> {
  const fleet = await Fleet.make(1);
  const { pair, judge, operator } = fleet;
  if (blow.does !== 'stops' || !blow.other) pair.end(1);
  for (let number = 0; number < HOSTS; number += 1) fleet.host(number).start();
  await fleet.pass(1_500);
  operator.apply([wish('r0', 'plain', 0), wish('r1', 'plain', 1)]);
  await fleet.pass(1_000);
  if (blow.does === 'dies') pair.kill(0, blow.afterWaits);
  if (blow.does === 'stops') pair.freeze(0, blow.afterWaits);
  if (blow.does === 'nothing') {
    pair.kill(0, MANY);
    pair.freeze(0, MANY);
  }
  const isOver = (): boolean => judge.reach.all.size > 0 && judge.reach.active.length === 0;
  let stoppedMs = 0;
  operator.start([wish('r1', kind, 2), wish('r2', 'plain', 3)], ['r0'], {
    ...{ waves: ['1', '2', '100%'], soakMs: 2_000, noTrafficOk: true, acceptCollateral: true },
    // A host takes back what nobody confirmed in time, and who starts again has to hear it for ten seconds.
    withinMs: kind === 'cuts' ? 20_000 : blow.does === 'stops' && !blow.other ? 2 * STOPS_MS : 60_000,
  });
  // What its controller did not answer is asked again, as an operator does: it is the same upload.
  for (let ms = 0; !isOver() && ms < WITHIN_MS; ms += LOOK_EVERY_MS) {
    if (judge.reach.all.size === 0 && ms % ASK_EVERY_MS === 0) operator.again();
    await fleet.pass(LOOK_EVERY_MS);
    if (!pair.runs(0)) await fleet.world.passing(pair.start(0));
    if (pair.isFrozen(0)) stoppedMs += LOOK_EVERY_MS;
    if (stoppedMs >= STOPS_MS) pair.thaw(0);
  }
  const left = pair.waitsLeft(0);
  const waits = { dies: MANY - left.dies, stops: MANY - left.stops };
  pair.thaw(0);
  await fleet.pass(90_000);
  const rollout = [...judge.look.rollouts.values()].at(-1);
  const held = [...fleet.hosts.values()]
    .map(({ name, kernel }) => `${name} ${[...kernel].toSorted().join()}`)
    .join('; ');
  const revisions = Math.max(0, ...judge.look.heads.values());
  const wrong = [...judge.wrong, ...judge.checkLogs()];
  const state = rollout === undefined ? 'not begun' : isActive(rollout) ? 'under way' : rollout.state;
  await fleet.end();
  return { state, held, revisions, waits, wrong };
}

function wish(name: string, kind: Kind, at: number) {
  return { name, hosts: 'all', at, priority: 0, enabled: true, kind } as const;
}
