import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { whyNotLasting } from '../../../../agent/attach/lasting.ts';

const MACHINE = 'pid:[4026531836]';
const CONTAINER = 'pid:[4026532500]';

interface Machine {
  /** What process 1 sees: our own mounts, others, or it cannot be read. */
  readonly sees?: 'ours' | 'others' | 'unreadable';
  readonly namespace?: string;
  readonly init?: string;
  /** Parents from this process on; 0 is outside of the namespace. */
  readonly line?: readonly number[];
}

/** A procfs of files, in which this process is the first of its line; and a path that is to last. */
class FakeProc implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'shunt-proc-'));

  constructor({ sees = 'ours', namespace = MACHINE, init = 'init', line = [42, 7, 1, 0] }: Machine) {
    line.forEach((pid, at) => {
      if (pid > 0) this.#write(`${pid}/status`, `Name:\tsh\nPPid:\t${line[at + 1]}\n`);
    });
    this.#write('1/comm', `${init}\n`);
    if (sees === 'ours') this.#write('1/mountinfo', readFileSync('/proc/self/mountinfo', 'utf8'));
    if (sees === 'others') this.#write('1/mountinfo', '21 26 0:9999 / /proc rw - proc proc rw\n');
    mkdirSync(join(this.folder, `${line[0]}/ns`), { recursive: true });
    symlinkSync(namespace, join(this.folder, `${line[0]}/ns/pid`));
    symlinkSync(`${line[0]}`, join(this.folder, 'self'));
  }

  #write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

const CASES: readonly (readonly [title: string, machine: Machine, why: RegExp | undefined])[] = [
  ['on the machine itself, seen by process 1', {}, undefined],
  ['on the machine itself, not seen by process 1', { sees: 'others' }, /^process 1 does not see them: /],
  ['where process 1 cannot be read', { sees: 'unreadable' }, /^whether process 1 sees them cannot be told: ENOENT/],
  ['as the first process of a container', { namespace: CONTAINER, line: [1, 0] }, /^process 1 of this container/],
  ['started by the first process of a container', { namespace: CONTAINER }, /^process 1 of this container may end/],
  ['in a container of systemd', { namespace: CONTAINER, init: 'systemd' }, undefined],
  [
    'in a container of systemd, in a unit',
    { namespace: CONTAINER, init: 'systemd', sees: 'others' },
    /^process 1 does/,
  ],
  ['entered from outside of a container', { namespace: CONTAINER, line: [42, 7, 0] }, undefined],
  ['where a parent cannot be read', { namespace: CONTAINER, line: [42, 7] }, /cannot be told: .* names no parent/],
];

for (const [title, machine, why] of CASES) {
  test(`lasting: ${title}`, (t) => {
    using proc = new FakeProc(machine);
    const found = whyNotLasting(proc.folder, proc.folder);
    if (why === undefined) t.is(found, undefined);
    else t.regex(found ?? '', why);
  });
}
