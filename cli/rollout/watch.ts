import { setTimeout as after } from 'node:timers/promises';
import { isEnded } from '../../protocol/rollout.ts';
import type { RolloutStatusReply } from '../../protocol/rollout-status.ts';
import { Failure } from '../line/failure.ts';
import type { Screen } from '../show/screen.ts';
import { frame } from './frame.ts';

/** The engine looks every half second; nobody reads faster. */
export const EVERY_MS = 1000;

/** Where answers come from. Errors: Failure. */
export type Look = () => Promise<RolloutStatusReply>;

/**
 * Shows a rollout again and again, until it has ended, or `q` or the signal. Answers how it was seen last. A controller that does
 * not answer is told of, and asked again.
 */
export async function watch(
  screen: Screen,
  look: Look,
  begin: { readonly status: RolloutStatusReply; readonly colour: boolean },
  signal: AbortSignal,
  everyMs = EVERY_MS,
): Promise<RolloutStatusReply> {
  const quit = new AbortController();
  const ended = AbortSignal.any([signal, quit.signal]);
  const over = new Promise<undefined>((resolve) => ended.addEventListener('abort', () => resolve(undefined)));
  let { status } = begin;
  let problem: string | undefined;
  const draw = (): void => {
    const { columns, rows } = screen;
    screen.draw(frame(status, { columns, rows, colour: begin.colour }, problem));
  };
  screen.onResize(draw);
  screen.onKey((key) => {
    if (['q', 'ctrl-c', 'ctrl-d'].includes(key)) quit.abort();
  });
  for (;;) {
    draw();
    if (ended.aborted || isEnded(status.rollout.state)) return status;
    await Promise.race([after(everyMs, undefined, { signal: ended }).catch(() => undefined), over]);
    const answer = await Promise.race([look().then(answered, failed), over]);
    if (answer === undefined) return status;
    if ('status' in answer) status = answer.status;
    problem = 'problem' in answer ? answer.problem : undefined;
  }
}

function answered(status: RolloutStatusReply): { readonly status: RolloutStatusReply } {
  return { status };
}

function failed(error: unknown): { readonly problem: string } {
  if (error instanceof Failure) return { problem: error.message };
  throw error;
}
