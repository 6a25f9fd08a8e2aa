import { setTimeout as after } from 'node:timers/promises';
import { Waker } from '../../daemon/waker.ts';
import type { TopReply, TopRequest } from '../../protocol/top.ts';
import { Failure } from '../line/failure.ts';
import type { Screen } from '../show/screen.ts';
import { frame } from './lay-out.ts';
import { press, requestOf, type View } from './view.ts';

const EVERY_MS = 2_000;

/** Where answers come from. Errors: Failure. */
export type Ask = (request: TopRequest) => Promise<TopReply>;

interface Shown {
  reply: TopReply;
  view: View;
  problem: string | undefined;
}

/**
 * Shows what packets do, again and again, until `q` or the signal. What is asked of a controller that does not answer is told,
 * and asked again.
 */
export async function watch(
  screen: Screen,
  ask: Ask,
  begin: { readonly view: View; readonly reply: TopReply; readonly colour: boolean },
  signal: AbortSignal,
  everyMs = EVERY_MS,
): Promise<void> {
  const end = new AbortController();
  const ended = AbortSignal.any([signal, end.signal]);
  const waker = new Waker();
  const shown: Shown = { ...begin, problem: undefined };
  const draw = (): void => {
    const { columns, rows } = screen;
    screen.draw(frame(shown.reply, shown.view, { columns, rows, colour: begin.colour }, shown.problem));
  };
  screen.onResize(draw);
  screen.onKey((key) => {
    const next = press(shown.view, key);
    if (next === 'quit') return end.abort();
    const before = JSON.stringify(requestOf(shown.view, 1));
    shown.view = next;
    if (JSON.stringify(requestOf(next, 1)) !== before) waker.wake();
    draw();
  });
  draw();
  await follow(shown, ask, screen, { draw, waker, everyMs }, ended);
}

async function follow(
  shown: Shown,
  ask: Ask,
  screen: Pick<Screen, 'rows'>,
  { draw, waker, everyMs }: { readonly draw: () => void; readonly waker: Waker; readonly everyMs: number },
  ended: AbortSignal,
): Promise<void> {
  const over = new Promise<undefined>((resolve) => ended.addEventListener('abort', () => resolve(undefined)));
  const delay = (delayMs: number, signal: AbortSignal) => after(delayMs, undefined, { signal });
  try {
    for (;;) {
      await waker.sleep(delay, everyMs, ended);
      const answered = ask(requestOf(shown.view, Math.max(1, screen.rows))).then(
        (reply) => ({ reply, problem: undefined }),
        (error: unknown) => ({ reply: shown.reply, problem: problemOf(error) }),
      );
      const answer = await Promise.race([answered, over]);
      if (answer === undefined) return;
      Object.assign(shown, answer);
      draw();
    }
  } catch (error) {
    if (!ended.aborted) throw error;
  }
}

function problemOf(error: unknown): string {
  if (error instanceof Failure) return error.message;
  throw error;
}
