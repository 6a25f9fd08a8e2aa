import type { HostItem } from '../../protocol/listings.ts';
import { type HostTrouble, LIVE_STATES, type LiveState, MAX_GROUPS, MAX_TOLD } from '../../protocol/live.ts';
import type { Status } from '../../protocol/status.ts';

type Trouble = HostTrouble & { readonly state: LiveState };

/** Which redirects of a host are not as they should be, by its status: those alike together, the worst first. */
export function troublesOf(status: Status): Pick<HostItem, 'troubles'> {
  const troubles = [...exceptionsOf(status), ...undeliveredOf(status), ...passedOf(status), ...unconfirmedOf(status)];
  if (troubles.length === 0) return {};
  return { troubles: troubles.sort((a, b) => rank(a) - rank(b) || b.total - a.total).slice(0, MAX_GROUPS) };
}

function rank({ state }: Trouble): number {
  return LIVE_STATES.indexOf(state);
}

function exceptionsOf({ exceptions, counts, brake }: Status): readonly Trouble[] {
  const alike = Map.groupBy(exceptions, ({ state, code }) => `${state} ${code}`);
  const cut = countCut(exceptions, counts);
  const listed = [...alike.values()].flatMap((all): Trouble[] => {
    const [first] = all;
    if (first === undefined) return [];
    const { state, code } = first;
    const names = all.map(({ name }) => name);
    // Of what a brake withholds it is known how much that is.
    const more = code === 'BRAKE' ? Math.min(cut.denied, Math.max(0, (brake?.withheld ?? 0) - all.length)) : 0;
    cut[state] -= more;
    return [{ state, code, ...told(names, all.length + more) }];
  });
  const unlisted = (['failed', 'blocked', 'denied'] as const).flatMap((state): Trouble[] => {
    return cut[state] > 0 ? [{ state, total: cut[state], redirects: [] }] : [];
  });
  return [...listed, ...unlisted];
}

/** How many of each are not listed. */
function countCut(exceptions: Status['exceptions'], { failed, blocked, denied }: Status['counts']) {
  const cut = { failed, blocked, denied };
  for (const { state } of exceptions) cut[state] -= 1;
  return cut;
}

function undeliveredOf({ undelivered }: Status): readonly Trouble[] {
  const losses = undelivered ?? [];
  if (losses.length === 0) return [];
  const names = [...new Set(losses.flatMap(({ redirects }) => redirects))];
  const total = Math.max(names.length, ...losses.map(({ redirectsTotal }) => redirectsTotal));
  return [{ state: 'undelivered', code: 'UNDELIVERED', ...told(names, total) }];
}

function passedOf({ passed, passedTotal = 0 }: Status): readonly Trouble[] {
  const names = (passed ?? []).map(({ name }) => name);
  if (names.length === 0) return [];
  return [{ state: 'passed', code: 'HITS_PASSED', ...told(names, Math.max(names.length, passedTotal)) }];
}

function unconfirmedOf({ unconfirmed = [], unconfirmedTotal = 0 }: Status): readonly Trouble[] {
  const [first] = unconfirmed; // the soonest
  if (first === undefined) return [];
  const names = unconfirmed.map(({ name }) => name);
  return [{ state: 'unconfirmed', leftMs: first.leftMs, ...told(names, Math.max(names.length, unconfirmedTotal)) }];
}

function told(names: readonly string[], total: number): Pick<HostTrouble, 'total' | 'redirects'> {
  return { total, redirects: names.slice(0, MAX_TOLD) };
}
