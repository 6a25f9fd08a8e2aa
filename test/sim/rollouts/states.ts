import { keyOf } from '../../../protocol/key.ts';
import { isActive, type Look, type Placed, type Rollout, specOf } from './look.ts';

/** At most so many hosts are published to, or taken back from, in one transaction. */
const HOSTS_AT_ONCE = 64;

/** From each state, those that may follow. */
const AFTER: Readonly<Record<Rollout['state'], readonly Rollout['state'][]>> = {
  RUNNING: ['RUNNING', 'PAUSED', 'ROLLING_BACK', 'DONE'],
  PAUSED: ['PAUSED', 'RUNNING', 'ROLLING_BACK'],
  ROLLING_BACK: ['ROLLING_BACK', 'ROLLED_BACK'],
  DONE: ['DONE'],
  ROLLED_BACK: ['ROLLED_BACK'],
};

/** What one transaction must not do to rollouts, their hosts, and what they hold. */
export function checkStates(before: Look, now: Look): readonly string[] {
  const wrong: string[] = [...holds(now)];
  for (const [id, rollout] of now.rollouts) {
    const was = before.rollouts.get(id);
    const says = (what: string): void => void wrong.push(`rollout ${id}, ${nameOf(rollout)}: ${what}`);
    if (was === undefined) begins(rollout, says);
    else moves(was, rollout, says);
  }
  for (const id of before.rollouts.keys()) if (!now.rollouts.has(id)) wrong.push(`rollout ${id} is gone`);
  return wrong;
}

type Says = (what: string) => void;

/** What undoes another one is done at once: it waits for nobody. */
function begins({ state, step, wave, hosts, of }: Rollout, says: Says): void {
  if (of !== undefined && state === 'DONE') return;
  if (state !== 'RUNNING' || step !== 'PUBLISH' || wave !== 1) says('it does not begin with PUBLISH 1');
  for (const { host, state: is } of hosts.values()) if (is !== 'planned') says(`${host} begins as ${is}`);
}

function moves(was: Rollout, is: Rollout, says: Says): void {
  if (!AFTER[was.state].includes(is.state)) says(`it was ${nameOf(was)}`);
  if (is.version < was.version) says(`its version was ${was.version} and is ${is.version}`);
  const moved = [...is.hosts.values()].filter(({ host, state, wave }) => {
    const before = was.hosts.get(host);
    return before?.state !== state || before.wave !== wave;
  });
  const isOther = nameOf(was) !== nameOf(is) || moved.some(({ state }) => state !== 'left');
  if (isOther && is.version === was.version) says(`it was ${nameOf(was)}, and its version is the same`);
  if (!isActive(was) && isOther) says(`it had ended`);
  for (const host of moved) hostMoves(was, host, says);
  const published = moved.filter(({ state }) => state === 'published');
  const withdrawn = moved.filter(({ state }) => state === 'withdrawn');
  if (Math.max(published.length, withdrawn.length) > HOSTS_AT_ONCE) says(`${moved.length} hosts move at once`);
  goesBackInOrder(is, withdrawn, says);
  neverGrows(is, says);
  if (is.state === 'ROLLED_BACK' && [...is.hosts.values()].some(({ state }) => state === 'published'))
    says('hosts are still published');
}

function hostMoves(was: Rollout, { host, state, wave }: Placed, says: Says): void {
  const from = was.hosts.get(host)?.state ?? 'nothing';
  if (state === 'published') {
    const may = was.state === 'RUNNING' && was.step === 'PUBLISH';
    if (!may || (from !== 'planned' && from !== 'deferred'))
      says(`${host} is reached, was ${from}, while it was ${nameOf(was)}`);
    if (wave > was.wave) says(`${host} of wave ${wave} is reached, while it was ${nameOf(was)}`);
  }
  if (state === 'withdrawn' && (was.state !== 'ROLLING_BACK' || from !== 'published'))
    says(`${host} is withdrawn, was ${from}, while it was ${nameOf(was)}`);
  if (
    from === 'published' &&
    state !== 'withdrawn' &&
    state !== 'left' &&
    state !== 'excluded' &&
    state !== 'published'
  )
    says(`${host} was published and is ${state}`);
}

/** The newest wave goes back first. */
function goesBackInOrder(is: Rollout, withdrawn: readonly Placed[], says: Says): void {
  const least = Math.min(...withdrawn.map(({ wave }) => wave));
  const later = [...is.hosts.values()].find(({ state, wave }) => state === 'published' && wave > least);
  if (later !== undefined) says(`a host of wave ${least} goes back before ${later.host} of wave ${later.wave}`);
}

/** Another host may take the place of one that was left out or forgotten. */
function neverGrows({ plan, hosts }: Rollout, says: Says): void {
  for (const [at, { size }] of plan.waves.entries()) {
    const mine = [...hosts.values()].filter(({ wave, rev }) => wave === at + 1 && rev > 0);
    const reached = mine.filter(({ state }) => state !== 'excluded' && state !== 'left').length;
    if (reached > size) says(`${reached} hosts of wave ${at + 1} were reached, and it has ${size}`);
  }
}

/** Names and keys are held by a rollout while it is under way, all of them, and by nobody else. */
function* holds({ rollouts, names, keys }: Look): Generator<string> {
  const wanted = { name: new Map<string, string>(), key: new Map<string, string>() };
  for (const rollout of rollouts.values()) {
    if (!isActive(rollout)) continue;
    for (const [name, { before, after }] of rollout.specs) {
      if (wanted.name.has(name)) yield `${name} is of two rollouts`;
      wanted.name.set(name, rollout.id);
      for (const text of [before, after]) {
        if (text === null) continue;
        const key = keyOf(specOf(text).match);
        if ((wanted.key.get(key) ?? rollout.id) !== rollout.id) yield `${key} is of two rollouts`;
        wanted.key.set(key, rollout.id);
      }
    }
  }
  for (const [kind, held] of [
    ['name', names],
    ['key', keys],
  ] as const) {
    for (const [what, id] of held)
      if (wanted[kind].get(what) !== id) yield `the ${kind} ${what} is held by ${id}, which has no need of it`;
    for (const [what, id] of wanted[kind]) if (held.get(what) !== id) yield `the ${kind} ${what} is not held by ${id}`;
  }
}

function nameOf({ state, step, wave }: Rollout): string {
  return step === null ? state : `${state} ${step} ${wave}`;
}
