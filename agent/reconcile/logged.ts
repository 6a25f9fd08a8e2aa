import type { Log } from '../../daemon/log.ts';
import type { Event, EventKind } from '../../protocol/event.ts';

/** The most redirects that are named at once: of a bulk change the others are in the flight recorder. */
const NAMED_MAX = 20;

/** What people have to look at is a warning. */
const SAID: Readonly<Partial<Record<EventKind, readonly [level: 'info' | 'warn', message: string]>>> = {
  applied: ['info', 'redirect applied'],
  removed: ['info', 'redirect removed'],
  idle: ['info', 'redirect idle'],
  expired: ['info', 'redirect expired'],
  blocked: ['warn', 'redirect blocked'],
  denied: ['warn', 'redirect denied'],
  failed: ['warn', 'redirect failed'],
  drift: ['warn', 'redirect was changed by somebody else, and put right'],
  undelivered: ['warn', 'redirect: its packets do not arrive'],
};

/** Says of each redirect what happened to it; where not all are named, what is grave is, and how many there were. */
export function logEvents(log: Log, events: readonly Event[]): void {
  const told = events.filter(
    ({ kind, name, key, more }) => SAID[kind] !== undefined && (name ?? key ?? more) !== undefined,
  );
  const of = (level: 'info' | 'warn'): Event[] => told.filter(({ kind }) => SAID[kind]?.[0] === level);
  const named = [...of('warn').slice(0, NAMED_MAX), ...of('info')].slice(0, NAMED_MAX);
  for (const event of named) logEvent(log, event);
  if (told.length > named.length)
    log.info({ more: told.length - named.length }, 'redirects: see shunt events for more');
}

function logEvent(log: Log, { kind, name, rev, key, code, detail, more }: Event): void {
  const [level, message] = SAID[kind] ?? ['info', kind];
  log[level](
    {
      ...(name !== undefined && { name }),
      ...(rev !== undefined && { rev }),
      ...(key !== undefined && { key }),
      ...(code !== undefined && { code }),
      ...(detail !== undefined && { detail }),
      ...(more !== undefined && { more }),
    },
    more === undefined ? message : `${message}; many at once, summed up`,
  );
}
