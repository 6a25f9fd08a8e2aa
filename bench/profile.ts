/** What a CPU profile of V8 says. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../cli/show/table.ts';
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

/** The profile that a process left in a folder when it ended. */
export function profileIn(folder: string, pid: number | undefined): string {
  const mine = (file: string): boolean => file.endsWith('.cpuprofile') && file.includes(`.${pid}.0.`);
  return join(folder, readdirSync(folder).find(mine) ?? 'no profile');
}

/** Where it took most, for people: what `by` says stands before each. */
export function profileTable(by: string, profiles: Readonly<Record<string, readonly Taker[]>>): string {
  const rows = Object.entries(profiles).flatMap(([name, takers]) =>
    takers.map(({ where, share }) => [name, (share * 100).toFixed(1), where]),
  );
  const columns = [{ title: by }, { title: '%', align: 'right' }, { title: 'by itself' }] as const;
  return table(columns, rows, { width: undefined, colour: false });
}

/** What took the thread: where it ran, and the share of the time in which it ran at all. */
export interface Taker {
  readonly where: string;
  readonly share: number;
}

const NOT_RUNNING = ['(idle)', '(root)'];

/** Between two moments, in milliseconds from where a profile begins. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

const WHOLE: Stretch = { fromMs: 0, toMs: Number.POSITIVE_INFINITY };

/** Those that took most by themselves, the greatest first. */
export function topOf(file: string, count: number, { fromMs, toMs }: Stretch = WHOLE): readonly Taker[] {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const taken = new Map<string, number>();
  let nowMs = 0;
  for (const [at, id] of samples.entries()) {
    const frame = frames.get(id);
    nowMs += (timeDeltas[at] ?? 0) / 1000;
    if (nowMs < fromMs || nowMs > toMs) continue;
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
