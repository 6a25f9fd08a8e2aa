import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { examineState } from '../../../../agent/doctor/state.ts';
import { likelyHolder, lockHolder, majorOf, minorOf } from '../../../../agent/kernel/processes.ts';
import { readBusFile } from '../../../../agent/store/bus-file.ts';

/** A file, and a /proc that says who holds locks. */
class Place implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'shunt-processes-'));
  readonly file = join(this.path, 'lock');
  readonly #locks: string[] = [];

  constructor() {
    writeFileSync(this.file, '');
  }

  /** A process of this user holds an inode of the file's number, on a device. */
  hold(pid: number, uid: number, on: 'its device' | 'another'): void {
    const { dev, ino } = lstatSync(this.file, { bigint: true });
    const hex = (n: bigint): string => n.toString(16).padStart(2, '0');
    const device = on === 'another' ? 'fe:77' : `${hex(majorOf(dev))}:${hex(minorOf(dev))}`;
    this.#locks.push(`${pid}: FLOCK  ADVISORY  WRITE ${pid} ${device}:${ino} 0 EOF\n`);
    mkdirSync(join(this.path, `${pid}`));
    writeFileSync(join(this.path, `${pid}`, 'status'), `Name:\tnode\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`);
    writeFileSync(join(this.path, 'locks'), this.#locks.join(''));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

const me = process.getuid?.() ?? 0;
const STRANGER = 4242;

test('who holds a lock: on another device an inode of that number is believed of the owner and of root alone', (t) => {
  using place = new Place();
  place.hold(7, STRANGER, 'another');
  t.deepEqual([lockHolder(place.file, place.path), likelyHolder(place.file, place.path)], [undefined, undefined]);
  place.hold(8, me, 'another');
  t.deepEqual([lockHolder(place.file, place.path), likelyHolder(place.file, place.path)], [undefined, 8]);
  place.hold(9, me, 'its device');
  t.deepEqual([lockHolder(place.file, place.path), likelyHolder(place.file, place.path)], [9, 9]);
});

test('a pipe where a file should be is no file, and nobody waits for it', (t) => {
  using place = new Place();
  for (const name of ['bus.json', 'agent.db']) execFileSync('mkfifo', [join(place.path, name)]);
  t.is(readBusFile(place.path), undefined);
  const found = examineState(place.path, me).map(({ found }) => found);
  t.true(found.includes(`${join(place.path, 'agent.db')}: it is no file`), found.join('; '));
});
