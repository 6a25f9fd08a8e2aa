import type { Confirmations } from './confirmations.ts';
import type { LightHost } from './host.ts';
import { isActive, type Look, type Placed, type Rollout } from './look.ts';

/** A host that was not heard for so long has no turn; what was heard may be written a moment later. */
const FRESH_MS = 60_000;
const WRITTEN_MS = 1_500;

interface Known {
  readonly hosts: ReadonlyMap<string, LightHost>;
  readonly confirmations: Confirmations;
  /** Rollouts of which somebody let something by. */
  readonly skipped: ReadonlySet<string>;
}

/** What a rollout does must fit what its hosts really are, whatever they say; but for those that ever lied. */
export function checkTruth(before: Look, now: Look, known: Known): readonly string[] {
  const wrong: string[] = [];
  for (const is of now.rollouts.values()) {
    const was = before.rollouts.get(is.id);
    if (was === undefined || !isActive(was)) continue;
    for (const placed of is.hosts.values())
      if (placed.state === 'published' && was.hosts.get(placed.host)?.state !== 'published')
        wrong.push(...isThere(placed, now, known));
    if (was.step === 'CONVERGE' && is.step === 'SOAK') wrong.push(...converges(is, known));
    if (is.state === 'DONE' && !known.skipped.has(is.id)) wrong.push(...stands(is, known));
  }
  return wrong;
}

function* isThere({ host }: Placed, { atMs }: Look, { confirmations }: Known): Generator<string> {
  const heardMs = confirmations.heardMs(host);
  if (atMs - heardMs > FRESH_MS + WRITTEN_MS)
    yield `${host} is told, and was heard ${Math.round(atMs - heardMs)} ms ago`;
}

/** As many as may be silent may lack it, and no more: who lets gates by does not let this by. */
function* converges({ id, wave, plan, hosts }: Rollout, { hosts: lights }: Known): Generator<string> {
  const all = [...hosts.values()].filter(({ state }) => state !== 'excluded' && state !== 'left').length;
  const lacking = [...hosts.values()].filter(({ host, wave: of, state, rev }) => {
    const light = lights.get(host);
    return state === 'published' && of === wave && light !== undefined && !light.everLied && light.bestVerified < rev;
  });
  const may = budgetOf(plan.maxUnreachable ?? (wave === 1 ? '0' : `${Math.max(1, Math.floor(all / 50))}`), all);
  if (lacking.length > may)
    yield `rollout ${id} takes wave ${wave} for converged, and ${lacking.map(({ host }) => host)} never had it`;
}

/** Nobody who has it, and counts, took it back. */
function* stands({ id, hosts, specs }: Rollout, { hosts: lights }: Known): Generator<string> {
  for (const { host, state, rev } of hosts.values()) {
    const light = lights.get(host);
    if (state !== 'published' || light === undefined || light.everLied || !light.runs) continue;
    for (const { rev: back, name, saidMs } of light.takenBack)
      if (back <= rev && specs.has(name) && saidMs > FRESH_MS)
        yield `rollout ${id} is DONE, and ${host} took ${name} back and said so`;
  }
}

function budgetOf(share: string, all: number): number {
  return share.endsWith('%') ? Math.floor((all * Number(share.slice(0, -1))) / 100) : Number(share);
}
