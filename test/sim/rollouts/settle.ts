import type { Fleet } from './fleet.ts';
import { isActive } from './look.ts';
import { checkOutstanding } from './outstanding.ts';
import { briefly, kindOf } from './value.ts';

const LOOK_EVERY_MS = 5_000;
/** So long all may take that nobody has to be asked about. */
const WITHIN_MS = 900_000;
/** So long after the last change hosts have to be as their logs say. */
const CONVERGED_MS = 90_000;

/** Lets rollouts come to their ends; who is paused is let go on, or back. Answers what is not as it must be then. */
export async function settle(fleet: Fleet): Promise<readonly string[]> {
  const { judge, operator } = fleet;
  for (let waitedMs = 0; judge.reach.active.length > 0; waitedMs += LOOK_EVERY_MS) {
    if (waitedMs > WITHIN_MS) return judge.reach.active.map((rollout) => `${nameOf(rollout)} does not end`);
    await fleet.pass(LOOK_EVERY_MS);
    if (judge.wrong.length > 0) return [];
    for (const { id, state, version } of judge.reach.active) {
      if (state !== 'PAUSED' || fleet.world.clock.random() < 0.7) continue;
      judge.soaks.skipped.add(id);
      if (fleet.world.clock.random() < 0.5) operator.abort(id);
      else operator.resume({ id, version }, true);
    }
  }
  await fleet.pass(CONVERGED_MS);
  const wrong = [...unlike(fleet)];
  for (const { id, state } of judge.reach.all.values()) {
    const reply = state === 'ROLLED_BACK' ? await fleet.world.passing(operator.status(id)) : undefined;
    if (reply !== undefined) wrong.push(...checkOutstanding(fleet, reply));
  }
  return wrong;
}

function nameOf({ id, state, step, wave }: Fleet['judge']['reach']['active'][number]): string {
  return `rollout ${id}, ${state} ${step ?? ''} ${wave},`;
}

/** What hosts have otherwise than their logs, and who is cut off. */
function* unlike({ hosts, judge }: Fleet): Generator<string> {
  const { look, reach } = judge;
  yield* judge.checkLogs();
  for (const { name, disk, kernel, isCutOff } of hosts.values()) {
    if (isCutOff) yield `${name} is cut off`;
    const log = [...(look.logs.get(name) ?? [])].filter(([, { op }]) => op === 'put');
    const [wanted, set] = [
      sorted(log.map(([key, { body }]) => [key, body])),
      sorted([...disk.set].map(([key, { body }]) => [key, body])),
    ];
    if (wanted !== set) yield `${name} has the set ${set}, and its log is ${wanted}`;
    const stands = sorted([...kernel]);
    const wants = sorted(
      [...disk.keys].flatMap((key) => {
        const value = disk.wanted(key);
        return value === undefined || kindOf(value) === 'blocked' ? [] : [[key, value]];
      }),
    );
    if (stands !== wants) yield `${name} has ${stands} in its kernel, and wants ${wants}`;
    // A change that came after it and was not confirmed has what was there before come back.
    for (const { id } of [...reach.all.values()].filter(
      (rollout) => !isActive(rollout) && rollout.state === 'ROLLED_BACK',
    ))
      if (disk.quarantined.size === 0 && reach.hasOf(id, kernel.values()))
        yield `${name} still has what rollout ${id} brought, which went back`;
  }
}

function sorted(pairs: readonly (readonly string[])[]): string {
  return pairs
    .map(([, value = '']) => briefly(value))
    .toSorted()
    .join(', ');
}
