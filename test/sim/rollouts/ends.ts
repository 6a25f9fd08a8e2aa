import { type Seen, winnersOn } from '../oracle.ts';
import { isActive, type Look, type Rollout, specOf } from './look.ts';

/** What revisions must not do: they only grow, and what is promoted is no news to hosts that have it. */
export function checkEnds(before: Look, now: Look): readonly string[] {
  const wrong: string[] = [];
  for (const [host, rev] of before.heads)
    if ((now.heads.get(host) ?? Number.POSITIVE_INFINITY) < rev) wrong.push(`the log of ${host} went back from ${rev}`);
  for (const [host, rev] of before.confirmed)
    if (now.hosts.has(host) && (now.confirmed.get(host) ?? Number.POSITIVE_INFINITY) < rev)
      wrong.push(`what ${host} has confirmed went back`);
  for (const rollout of now.rollouts.values()) {
    const was = before.rollouts.get(rollout.id);
    if (was === undefined || !isActive(was) || rollout.state !== 'DONE') continue;
    wrong.push(...promotes(was, rollout, before, now));
  }
  return wrong;
}

function* promotes(was: Rollout, is: Rollout, before: Look, now: Look): Generator<string> {
  if (was.state !== 'RUNNING' || was.step !== 'PROMOTE')
    yield `rollout ${is.id} is DONE, and was ${was.state} ${was.step}`;
  for (const { host, state } of is.hosts.values()) {
    const isMoved = before.heads.get(host) !== now.heads.get(host);
    if (state === 'published' && isMoved) yield `${host} had rollout ${is.id}, and gets a revision when it is promoted`;
  }
  for (const [host, seen] of now.hosts)
    if (!is.hosts.has(host) && isFor(is, seen)) yield `${host} never had its turn in rollout ${is.id}, which is DONE`;
  for (const [name, { after }] of is.specs)
    if ((now.specs.get(name) ?? null) !== after)
      yield `rollout ${is.id} is DONE, and ${name} is not what it makes of it`;
}

/** Whether anything of a rollout is for a host, before or after. */
export function isFor({ specs }: Rollout, seen: Seen): boolean {
  const texts = [...specs.values()].flatMap(({ before, after }) => [before, after]);
  return texts.some((text) => text !== null && winnersOn(seen, [specOf(text)]).size > 0);
}
