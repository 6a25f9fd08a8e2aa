import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { EXIT, Failure } from '../../../../cli/line/failure.ts';
import { changeLines, follow, type LookAfter } from '../../../../cli/rollout/follow.ts';
import { type Look, watch } from '../../../../cli/rollout/watch.ts';
import type { RolloutStatusReply } from '../../../../protocol/rollout-status.ts';
import { KeptScreen } from '../kept-screen.ts';
import { KeptTerminal } from '../session.ts';
import { BEGAN, converging, evidence, rolledBack, statusOf } from './statuses.ts';

const SOON_MS = 1;
const NEVER_MS = 600_000;
const AWAY = new Failure(EXIT.unreachable, 'NO_CONTROLLER', 'no controller is there');

function start(look: Look, everyMs: number) {
  const screen = new KeptScreen();
  const stop = new AbortController();
  const done = watch(screen, look, { status: converging(), colour: false }, stop.signal, everyMs);
  return { screen, stop, done };
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await setTimeout(1);
}

test('watch: it is asked again and again, shown in place, and ends by itself with the rollout', async (t) => {
  const answers = [converging(), statusOf(), rolledBack()];
  const { screen, done } = start(async () => answers.shift() ?? rolledBack(), SOON_MS);
  t.regex(String(screen.lines[0]), /CONVERGE/);
  t.is((await done).rollout.state, 'ROLLED_BACK');
  t.regex(String(screen.lines[0]), /ROLLED_BACK/);
  t.is(answers.length, 0);
});

for (const key of ['q', 'ctrl-c', 'ctrl-d'])
  test(`watch: ${key} leaves, and nothing is asked for but how it stands`, async (t) => {
    let asked = 0;
    const { screen, done } = start(() => {
      asked += 1;
      return new Promise(() => {});
    }, SOON_MS);
    await until(() => asked === 1);
    screen.press('a');
    screen.press(key);
    t.is((await done).rollout.state, 'RUNNING');
    t.is(asked, 1);
  });

test('watch: where nobody answers that is said, and what was there stays until the next answer', async (t) => {
  let fails = true;
  const { screen, stop, done } = start(async () => {
    if (fails) throw AWAY;
    return statusOf();
  }, SOON_MS);
  await until(() => screen.lines.includes('no controller is there'));
  t.regex(String(screen.lines[0]), /CONVERGE/);
  fails = false;
  await until(() => /SOAK/.test(String(screen.lines[0])));
  t.false(screen.lines.includes('no controller is there'));
  stop.abort();
  await done;
});

test('watch: the screen is as large as the terminal', async (t) => {
  const { screen, stop, done } = start(async () => statusOf(), NEVER_MS);
  screen.rows = 10;
  screen.redraw();
  t.is(screen.lines.length, 10);
  stop.abort();
  await done;
});

test('watch: what is no failure of ours is one of the command', async (t) => {
  const { done } = start(async () => {
    throw new TypeError('a mistake');
  }, SOON_MS);
  await t.throwsAsync(done, { message: 'a mistake' });
});

function following(first: RolloutStatusReply, look: LookAfter) {
  const told: RolloutStatusReply[] = [];
  const terminal = new KeptTerminal();
  const stop = new AbortController();
  const done = follow(first, look, (status) => told.push(status), terminal, stop.signal, SOON_MS);
  return { told, terminal, stop, done };
}

test('follow: each change is told once, and only what happened since is asked for', async (t) => {
  const after: (number | undefined)[] = [];
  const answers = [
    { ...converging(), evidence: [] },
    { ...statusOf(), rollout: { ...statusOf().rollout, version: 8 }, evidence: [evidence(7, 200, 'wave 2 soaks')] },
    { ...statusOf(), rollout: { ...statusOf().rollout, version: 8 }, evidence: [] },
    rolledBack({ evidence: [evidence(8, 256, 'gone from all hosts')] }),
  ];
  const { told, done } = following(converging(), async (seq) => {
    after.push(seq);
    return answers.shift() ?? rolledBack();
  });
  t.is((await done).rollout.state, 'ROLLED_BACK');
  t.deepEqual(after, [6, 6, 7, 7]);
  t.deepEqual(
    told.map(({ evidence }) => evidence.length),
    [6, 1, 1],
  );
});

test('follow: it ends where somebody has to decide, but not where it goes on by itself', async (t) => {
  const cause = { code: 'TELEMETRY', at: BEGAN };
  const waiting = statusOf({ waits: { for: 'telemetry', since: BEGAN }, evidence: [] }, { state: 'PAUSED', cause });
  const paused = statusOf({ waits: { for: 'resume', since: BEGAN }, evidence: [] }, { state: 'PAUSED', version: 9 });
  const answers = [waiting, waiting, paused];
  const { done } = following(waiting, async () => answers.shift() ?? paused);
  t.is((await done).waits?.for, 'resume');
  t.is(answers.length, 0);
});

test('follow: a controller that is away is told of once, and asked again; one that refuses ends it', async (t) => {
  let asked = 0;
  const { terminal, done } = following(converging(), async () => {
    asked += 1;
    if (asked < 4) throw AWAY;
    return rolledBack();
  });
  t.is((await done).rollout.state, 'ROLLED_BACK');
  t.is(terminal.stderr, 'note: no controller is there; it is asked again\n');
  const refused = following(converging(), async () => {
    throw new Failure(EXIT.refused, 'UNKNOWN_ROLLOUT', 'no such rollout');
  });
  await t.throwsAsync(refused.done, { message: 'no such rollout' });
});

test('follow: the signal ends it, and it stands as it was seen last', async (t) => {
  const { stop, done } = following(converging(), async () => ({ ...converging(), evidence: [] }));
  stop.abort();
  t.is((await done).rollout.step, 'CONVERGE');
});

test('follow: people read what happened, how it stands, what it waits for, and gates that say otherwise', (t) => {
  const before = { ...converging(), gates: [] };
  t.deepEqual(changeLines(before, { ...statusOf(), evidence: [evidence(7, 200, 'wave 2 soaks')] }, false), [
    '2026-11-29T18:03:20Z  wave 2 soaks',
    '2026-11-29T18:04:20Z  RUNNING, wave 2 of 5: SOAK: waits until it has soaked, 3m50s left',
    '2026-11-29T18:04:20Z  losses<=0.1%: INCONCLUSIVE; 210 packets, and 3,000 are needed',
  ]);
  t.deepEqual(changeLines(statusOf(), { ...statusOf(), evidence: [] }, false), []);
});
