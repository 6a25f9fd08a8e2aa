/** What a CPU profile of V8 says. */
import { readFileSync } from 'node:fs';
import { ROOT } from '../test/support/testbed.ts';

interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

interface Frame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** What took the thread: where it ran, and the share of the time in which it ran at all. */
export interface Taker {
  readonly where: string;
  readonly share: number;
}

const NOT_RUNNING = ['(idle)', '(root)'];

/** Those that took most by themselves, the greatest first. */
export function topOf(file: string, count: number): readonly Taker[] {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const taken = new Map<string, number>();
  for (const [at, id] of samples.entries()) {
    const frame = frames.get(id);
    if (frame === undefined || NOT_RUNNING.includes(frame.functionName)) continue;
    const where = nameOf(frame);
    taken.set(where, (taken.get(where) ?? 0) + (timeDeltas[at] ?? 0));
  }
  const all = taken.values().reduce((sum, us) => sum + us, 0);
  const sorted = [...taken].toSorted(([, a], [, b]) => b - a);
  return sorted.slice(0, count).map(([where, us]) => ({ where, share: us / all }));
}

function nameOf({ functionName, url, lineNumber }: Frame): string {
  const path = url.replace('file://', '').replace(`${ROOT}/`, '').replace('/mnt/checkout/', '');
  return path === '' ? functionName : `${functionName || '(nameless)'} ${path}:${lineNumber + 1}`;
}
