import test from 'ava';
import { frame, listing } from '../../../../cli/rollout/frame.ts';
import type { RolloutStatusReply } from '../../../../protocol/rollout-status.ts';
import { BEGAN, converging, rolledBack, statusOf, wave } from './statuses.ts';

const SIZE = { columns: 80, rows: 24, colour: false };
const PIPE = { width: undefined, colour: false };

test('frame: what a rollout is, how long it soaks yet, waves, gates, who holds it up, and what happened', (t) => {
  t.deepEqual(frame(statusOf(), SIZE), [
    'rollout 5c1d9e20  RUNNING, wave 2 of 5: SOAK                           18:04:20Z',
    '2 redirects on 50 hosts; begun 4m20s ago by ann@ops-1 from drain.yaml: web-2 is…',
    'soaked █████░░░░░░░░░░░░░░░░░░░ 1m10s of 5m, 3m50s left',
    '',
    '     1     1   1  ████████████████████████  1 of 1 verified',
    '▶    2   10%   4  ████████████████████████  4 of 4 verified, 3 confirmed',
    '     3   50%  20  ························  20 planned',
    '     4  100%  24  ························  24 planned',
    '  late         1  ························  1 deferred',
    '',
    'GATE            VERDICT       WAVE       OTHER HOSTS',
    'verified>=100%  PASS          100% of 5  -',
    'exceptions<=0   PASS          0          0',
    'hits>=1         PASS          48,210     -',
    'losses<=0.1%    INCONCLUSIVE  0% of 210  <0.01% of 51,877',
    '  NO_TRAFFIC: 210 packets, and 3,000 are needed',
    '',
    'HELD UP BY  WAVE  IS                REV       HEARD     BECAUSE',
    'edge-8         2  unconfirmed       48 of 48  1m1s ago  NO_NEIGHBOUR of drain-w…',
    'edge-9         5  deferred, silent  -         never     -',
    '',
    '18:02:41  edge-9 cannot take it now: silent; it comes late',
    '18:03:10  wave 2: 4 of 4 hosts verified',
    'q leaves, it goes on   shunt rollout pause|abort 5c1d9e20',
  ]);
});

test('frame: what is waited for counts down, and the bar of a wave says who has it', (t) => {
  const lines = frame(converging(), SIZE);
  t.is(lines[2], 'waits for hosts to verify it (3 hosts) ██████████████████░░░░░░ 30s left');
  t.is(lines[5], '▶    2   10%   4  ██████▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒  1 of 4 verified, 1 silent');
});

test('frame: why it went back is said in full: gate, host, redirect and numbers', (t) => {
  const [first, , ...cause] = frame(rolledBack(), SIZE);
  t.regex(String(first), /^rollout 5c1d9e20 {2}ROLLED_BACK /);
  t.is(
    cause.slice(0, 2).join(' '),
    'GATE_FAILED losses<=0.1% on edge-4 of drain-web-2: 0.44% (212 of 48,210); other hosts <0.01% (2 of 51,877)',
  );
  t.is(cause[4], '     2   10%   4  ××××××××××××××××××××××××  1 silent, 4 withdrawn');
});

test('frame: one that is paused says for whom it waits and which commands end that', (t) => {
  const waits = { for: 'resume', since: BEGAN + 200_000 };
  const paused = statusOf({ waits }, { state: 'PAUSED', cause: { code: 'NO_TRAFFIC', at: BEGAN, gate: 'hits>=1' } });
  const lines = frame(paused, SIZE);
  t.is(lines[2], 'NO_TRAFFIC hits>=1');
  t.is(lines[3], 'waits for somebody to resume or abort it, for 1m now');
  t.is(lines.at(-1), 'q leaves, it stays paused   shunt rollout resume|abort 5c1d9e20');
});

test('frame: it fits every terminal, with the head and the newest event, whatever there is to show', (t) => {
  const many: RolloutStatusReply = statusOf({
    waveList: Array.from({ length: 32 }, (_, at) => wave(at + 1, `${at + 1}`, 12_000, { planned: 12_000 })),
    holdUps: Array.from({ length: 64 }, (_, at) => ({
      ...{ host: `edge-${at}-${'x'.repeat(50)}`, wave: 2, state: 'published', is: 'unverified', seenAt: BEGAN },
    })),
  });
  for (const status of [statusOf(), converging(), rolledBack(), many])
    for (const columns of [40, 80, 200])
      for (const rows of [6, 12, 24, 60]) {
        const lines = frame(status, { columns, rows, colour: false }, 'no controller is there');
        t.is(lines.length, rows);
        t.regex(String(lines[0]), /^rollout 5c1d9e20/);
        t.true(lines.includes('no controller is there') || rows === 6, lines.join('\n'));
        if (rows >= 24)
          t.true(
            lines.some((line) => line.startsWith('18:03:10  wave 2')),
            lines.join('\n'),
          );
        if (columns >= 80 && status !== many)
          t.true(
            lines.every((line) => line.length <= columns),
            lines.join('\n'),
          );
      }
});

test('frame: of many waves those around the one that it is at are shown', (t) => {
  const waveList = Array.from({ length: 32 }, (_, at) => wave(at + 1, `${at + 1}`, 1));
  const lines = frame(statusOf({ waveList, holdUps: [] }, { wave: 20, waves: 32 }), SIZE);
  const shown = lines.filter((line) => /^(▶| ) {3}[ 0-9]{2} /.test(line)).map((line) => Number(line.slice(4, 7)));
  t.deepEqual(shown, [17, 18, 19, 20, 21, 22, 23]);
});

test('frame: a listing cuts nothing, and says the day', (t) => {
  const text = listing(statusOf(), PIPE);
  t.regex(text, /^rollout 5c1d9e20 {2}RUNNING, wave 2 of 5: SOAK\n2 redirects .* web-2 is replaced\n/);
  t.regex(text, /NO_NEIGHBOUR of drain-web-2\n/);
  t.regex(text, /\n2026-11-29T18:00:00Z {2}begun by ann@ops-1: 2 redirects on 50 hosts in 4 waves\n/);
});
