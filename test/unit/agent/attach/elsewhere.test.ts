import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { keeperElsewhere } from '../../../../agent/attach/elsewhere.ts';

const ROOT = '/run/shunt/bpf';

interface Seen {
  readonly mnt: number;
  readonly net?: number;
  /** The device of a bpffs at the pin root; none where it is left out. */
  readonly bpffs?: string;
}

/** A procfs with these processes; `self` is who looks. */
function procOf(t: ExecutionContext, processes: Readonly<Record<string, Seen>>): string {
  const proc = mkdtempSync(join(tmpdir(), 'shunt-proc-'));
  t.teardown(() => rmSync(proc, { recursive: true }));
  for (const [pid, { mnt, net = 1, bpffs }] of Object.entries(processes)) {
    mkdirSync(join(proc, pid, 'ns'), { recursive: true });
    symlinkSync(`mnt:[${mnt}]`, join(proc, pid, 'ns/mnt'));
    symlinkSync(`net:[${net}]`, join(proc, pid, 'ns/net'));
    const mount = bpffs === undefined ? '' : `30 22 ${bpffs} / ${ROOT} rw,nosuid shared:1 - bpf shunt rw,mode=711\n`;
    writeFileSync(join(proc, pid, 'mountinfo'), `22 1 8:1 / / rw - ext4 /dev/sda1 rw\n${mount}`);
  }
  return proc;
}

test('elsewhere: a process that has the pins in mounts of its own, and not we, is found', (t) => {
  const proc = procOf(t, {
    self: { mnt: 1 },
    7: { mnt: 1 },
    40: { mnt: 2, bpffs: '0:50' },
    41: { mnt: 2, bpffs: '0:50' },
  });
  t.is(keeperElsewhere(ROOT, proc), 40);
  t.is(keeperElsewhere('/run/other', proc), undefined);
});

test('elsewhere: pins that we see, too, and those of another network namespace are not meant', (t) => {
  const self = { mnt: 1, bpffs: '0:50' };
  t.is(keeperElsewhere(ROOT, procOf(t, { self, 40: { mnt: 2, bpffs: '0:50' } })), undefined);
  t.is(keeperElsewhere(ROOT, procOf(t, { self: { mnt: 1 }, 40: { mnt: 2, net: 2, bpffs: '0:50' } })), undefined);
  t.is(keeperElsewhere(ROOT, procOf(t, { self, 40: { mnt: 2, bpffs: '0:51' } })), 40);
});
