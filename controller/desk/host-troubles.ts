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

function exceptionsOf({ exceptions, counts }: Status): readonly Trouble[] {
  const alike = Map.groupBy(exceptions, ({ state, code }) => `${state} ${code}`);
  const listed = [...alike.values()].flatMap((all): Trouble[] => {
    const [first] = all;
    if (first === undefined) return [];
    return [
      {
        state: first.state,
        code: first.code,
        ...told(
          all.map(({ name }) => name),
          all.length,
        ),
      },
    ];
  });
  const unlisted = (['failed', 'blocked', 'denied'] as const).flatMap((state): Trouble[] => {
    const total = counts[state] - exceptions.filter((one) => one.state === state).length;
    return total > 0 ? [{ state, total, redirects: [] }] : [];
  });
  return [...listed, ...unlisted];
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
