import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { type: 'minor'; execution: 'sync' }) => void;

/** By how many percent the heap may grow from one collection to the next: where little is to do, and in bulk. */
const GROWTH = { small: 20, bulk: 100 } as const;

/** In bulk the nursery may grow to this: sixteen times what it is otherwise. */
const NURSERY_BYTES = 16 * 2 ** 20;

/** With these, each ready to be taken back, V8 begins to collect everything once the nursery is collected, and keeps no room to spare. */
const COLLECT_ALL = [
  ['--incremental-marking-hard-trigger=1', '--incremental-marking-hard-trigger=0'],
  ['--optimize-for-size', '--no-optimize-for-size'],
] as const;

/** How much room a program takes for what it does. */
export interface Heap {
  /** Very much is about to be done, or more of it: to collect again and again would take a third of the time. */
  grow(): void;
  /** It is done, and what it left behind goes back to the system, most of it within a second. */
  giveBack(): void;
}

/**
 * Has V8 collect while its heap is small: when it grew by a fifth since the last time, and without a larger nursery.
 * Its own measure is a machine that is all its own: 100,000 redirects then take 430 MB on their way in, of which 100
 * are needed. Source: docs/decisions/0019-memory-goes-back.md, with what it costs.
 */
export function keepHeapSmall(): Heap {
  setGrowth('small');
  const collect = makeCollect();
  return {
    grow: () => setGrowth('bulk'),
    giveBack: () => {
      setGrowth('small');
      beginCollecting(collect);
    },
  };
}

/** V8 marks beside the program then, and stops it for some milliseconds; whoever asks for all at once stands still ten times as long. */
function beginCollecting(collect: Collect): void {
  for (const [on] of COLLECT_ALL) setFlagsFromString(on);
  collect({ type: 'minor', execution: 'sync' });
  for (const [, off] of COLLECT_ALL) setFlagsFromString(off);
}

function setGrowth(where: keyof typeof GROWTH): void {
  const mayGrow = where === 'bulk' && nurseryBytes() < NURSERY_BYTES;
  setFlagsFromString(`--heap-growing-percent=${GROWTH[where]}`);
  setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`);
}

function nurseryBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
}

function makeCollect(): Collect {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
