import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readBootId } from '../../agent/kernel/processes.ts';
import type { TimeStore } from '../../agent/ports.ts';
import { TimeFile } from '../../agent/store/time-file.ts';
import { MemoryTimes } from '../fakes/memory-times.ts';

const BOOT = '5d3b8c1e-4f0a-4a34-9d53-0b8e8b6a9d11';
const OFFSET_MS = 1_790_000_000_000.25;

/** A folder of one's own. */
class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'shunt-times-'));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

function keeps(t: { deepEqual(a: unknown, b: unknown): void }, store: TimeStore): void {
  t.deepEqual(store.load(), undefined);
  store.save(1);
  store.save(OFFSET_MS);
  t.deepEqual(store.load(), OFFSET_MS);
}

test('time in a file: the newest is kept, across starts of the agent', (t) => {
  using folder = new Folder();
  keeps(t, new TimeFile(folder.path, BOOT));
  t.deepEqual(new TimeFile(folder.path, BOOT).load(), OFFSET_MS);
});

test('time in memory: the newest is kept', (t) => keeps(t, new MemoryTimes()));

test('time in a file: that of another boot is none, nor is one that is damaged', (t) => {
  using folder = new Folder();
  new TimeFile(folder.path, BOOT).save(OFFSET_MS);
  t.is(new TimeFile(folder.path, readBootId()).load(), undefined);
  for (const text of ['', '{', '[]', `{"boot":"${BOOT}","offsetMs":"1"}`]) {
    writeFileSync(join(folder.path, 'time.json'), text);
    t.is(new TimeFile(folder.path, BOOT).load(), undefined, text);
  }
});
