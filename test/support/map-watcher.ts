/**
 * Looks through a pinned map of entries again and again: `node map-watcher.ts PIN`. On standard input `expect` has what
 * stands now stand from then on, and `report` asks what was missing or another since; both are answered by a `Watched` as JSON.
 */
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { STRUCTS } from '../../agent/kernel/abi.ts';
import { loadNative, type MapDump } from '../../native/index.ts';
import type { Watched } from './map-watch.ts';
import { must } from './must.ts';

const BPF_F_LOCK = 4;
const EVERY_MS = 20;
const { value } = STRUCTS;
const [pin = ''] = process.argv.slice(2);
const native = loadNative();
const map = must(pin, native.mapOpen(pin, true));
const { keySize } = must('info', native.mapInfo(map));

let expected = new Map<string, Buffer>();
let watched = { rounds: 0, entries: 0, missing: 0, changed: 0 } satisfies Watched;

/** What each entry does, by its key: all but the revision that it is of, and what proves it. */
function look(): Map<string, Buffer> {
  const { rc, count, keys, values } = native.mapDump(map, BPF_F_LOCK) satisfies MapDump;
  if (rc !== 0) throw new Error(`${pin} cannot be read: errno ${-rc}`);
  const [key, does] = [Buffer.from(keys.buffer), Buffer.from(values.buffer)];
  return new Map(
    Array.from({ length: count }, (_, at) => [
      key.toString('latin1', at * keySize, (at + 1) * keySize),
      does.subarray(at * value.size + value.until, (at + 1) * value.size),
    ]),
  );
}

function compare(found: ReadonlyMap<string, Buffer>): void {
  watched.rounds += 1;
  watched.entries = found.size;
  for (const [key, does] of expected) {
    const now = found.get(key);
    if (now === undefined) watched.missing += 1;
    else if (!now.equals(does)) watched.changed += 1;
  }
}

createInterface(process.stdin).on('line', (line) => {
  if (line === 'expect') {
    expected = look();
    watched = { ...watched, entries: expected.size, missing: 0, changed: 0 };
  }
  console.log(JSON.stringify(watched));
});
for (;;) {
  compare(look());
  await delay(EVERY_MS);
}
