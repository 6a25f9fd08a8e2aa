import test from 'ava';
import { logEvents } from '../../../../agent/reconcile/logged.ts';
import type { Event } from '../../../../protocol/event.ts';

const KEY = 'v4 udp 0.0.0.0/0:* > 203.0.113.1/32:443';

function logged(events: readonly Partial<Event>[]) {
  const lines: [level: string, facts: object, message: string][] = [];
  const at = (level: string) => (facts: object, message: string) => void lines.push([level, facts, message]);
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  logEvents(
    log,
    events.map((event): Event => ({ v: 1, host: 'edge-1', at: 1, kind: 'applied', ...event })),
  );
  return lines;
}

test('logged: each redirect is named, with its revision, its key, and what happened to it', (t) => {
  const of = { name: 'web', rev: 7, key: KEY };
  t.deepEqual(
    logged([
      of,
      { ...of, kind: 'blocked', code: 'NO_ROUTE' },
      { ...of, kind: 'failed', code: 'KERNEL_REFUSED', detail: 'EPERM' },
      { ...of, kind: 'removed' },
      { kind: 'drift', key: KEY, detail: 'value' },
      { kind: 'blocked', code: 'NOT_ATTACHED', detail: 'eth0: it was made anew' },
    ]),
    [
      ['warn', { ...of, code: 'NO_ROUTE' }, 'redirect blocked'],
      ['warn', { ...of, code: 'KERNEL_REFUSED', detail: 'EPERM' }, 'redirect failed'],
      ['warn', { key: KEY, detail: 'value' }, 'redirect was changed by somebody else, and put right'],
      ['info', of, 'redirect applied'],
      ['info', of, 'redirect removed'],
    ],
  );
});

test('logged: of a bulk change twenty are named, what is grave before the rest, and the others are counted', (t) => {
  const many = Array.from({ length: 100_000 }, (_, n) => ({ name: `r${n}`, rev: n + 1, key: KEY }));
  const lines = logged([...many, { name: 'bad', rev: 9, key: KEY, kind: 'denied', code: 'NO_INTERFACE' }]);
  t.is(lines.length, 21);
  t.like(lines[0], ['warn', { name: 'bad', rev: 9 }, 'redirect denied']);
  t.like(lines[20], ['info', { more: 100_001 - 20 }]);
});
