/** One state and some frames, through the reference and through the program. */

import type { Ran } from '../kernel/loaded-program.ts';
import { type Answer, answer } from '../reference/program.ts';
import { Draw } from './draw.ts';
import { cuts, drawFrame, mutate, withRightLength } from './frames.ts';
import { drawState, type WrittenState } from './states.ts';
import type { Subjects } from './subject.ts';
import { Tally } from './tally.ts';
import { drawWorld } from './world.ts';

export interface Case {
  readonly state: WrittenState;
  readonly frames: readonly Uint8Array[];
}

/** A frame by which they differ, in what becomes of it or in what is counted. */
export interface Difference {
  readonly state: WrittenState;
  readonly frame: Uint8Array;
  readonly wanted: Answer;
  readonly found: Pick<Ran, 'xdp' | 'data'>;
  readonly counted: Tally;
}

/** So many are drawn, each is damaged once, and two are cut at each of their bytes: one also says that it ends there. */
const FRAMES = 192;

/** The case of a seed. */
export function caseOf(seed: number): Case {
  const draw = new Draw(seed);
  const world = drawWorld(draw);
  const state = drawState(draw, world);
  const frames = draw.list(FRAMES, () => drawFrame(draw, world, state));
  const damaged = frames.map((frame) => mutate(draw, frame));
  const stumps = [...cuts(draw.of(frames)), ...cuts(draw.of(frames)).map(withRightLength)];
  return { state, frames: [...frames, ...damaged, ...stumps] };
}

/** Answers a frame by which they differ. Counts are looked at after all of them, for that takes time. `onAnswer` hears what the reference says of each. */
export function compare(
  subjects: Subjects,
  { state: drawn, frames }: Case,
  onAnswer: (answer: Answer) => void = () => {},
): Difference | undefined {
  const subject = subjects.of(drawn);
  const state = subject.install(drawn);
  const wanted = new Tally();
  for (const frame of frames) {
    const ours = answer(frame, state);
    const theirs = subject.run(frame);
    wanted.addAnswer(ours);
    onAnswer(ours);
    if (!isSame(ours, theirs)) {
      subject.counted();
      return compareOne(subjects, state, frame) ?? { state, frame, wanted: ours, found: theirs, counted: new Tally() };
    }
  }
  const counted = subject.counted();
  if (counted.equals(wanted)) return undefined;
  for (const frame of frames) {
    const difference = compareOne(subjects, state, frame);
    if (difference !== undefined) return difference;
  }
  throw new Error(
    `of all frames ${counted.without(wanted)} was counted, not ${wanted.without(counted)}; of each alone all is right`,
  );
}

/** The same with one frame. */
export function compareOne(subjects: Subjects, drawn: WrittenState, frame: Uint8Array): Difference | undefined {
  const subject = subjects.of(drawn);
  const state = subject.install(drawn);
  const wanted = answer(frame, state);
  const found = subject.run(frame);
  const counted = subject.counted();
  const tally = new Tally();
  tally.addAnswer(wanted);
  return isSame(wanted, found) && counted.equals(tally) ? undefined : { state, frame, wanted, found, counted };
}

function isSame(wanted: Answer, found: Pick<Ran, 'xdp' | 'data'>): boolean {
  return wanted.xdp === found.xdp && Buffer.compare(wanted.bytes, found.data) === 0;
}
