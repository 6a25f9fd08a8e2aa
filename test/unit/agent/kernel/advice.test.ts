import { constants } from 'node:os';
import test from 'ava';
import { bpfAdvice, pinAdvice } from '../../../../agent/kernel/advice.ts';
import { requireDone, requireValue } from '../../../../agent/kernel/errno.ts';
import { openMaps, requireSamePins } from '../../../../agent/kernel/open-maps.ts';
import { pinPaths } from '../../../../agent/kernel/pins.ts';
import { KernelError, PinsLostError } from '../../../../agent/model/kernel-error.ts';
import type { MapHandle, Native } from '../../../../native/index.ts';

const CASES: readonly (readonly [errno: keyof typeof constants.errno, words: RegExp])[] = [
  ['ENOENT', /pins are missing.*shunt detach/],
  ['EACCES', /this user may not open it.*--owner/],
  ['EPERM', /no bpf\(2\).*unprivileged_bpf_disabled.*CAP_BPF.*seccomp/],
  ['ENOSYS', /no bpf\(2\).*seccomp/],
  ['EINVAL', /something else is pinned there/],
  ['EMFILE', /too many files open.*LimitNOFILE/],
  ['ENFILE', /too many files open.*fs\.file-max/],
  ['ENOMEM', /no memory/],
  ['EROFS', /read-only/],
  ['ENOTDIR', /is no folder/],
  ['ELOOP', /symbolic link/],
];
/** A folder that is there, so that the pins are looked for. */
const paths = { ...pinPaths('/nowhere'), layout: import.meta.dirname };

function answering(rc: number): Native {
  return { mapOpen: () => rc, close: () => {} } as unknown as Native;
}

test('advice: each errno of opening a pin has a sentence of its own', (t) => {
  for (const [errno, words] of CASES) {
    const native = answering(-constants.errno[errno]);
    const error = t.throws(() => openMaps(native, paths, 'agent'), { name: 'KernelError' });
    t.regex(error.message, new RegExp(`: ${errno}; .*${words.source}`));
    t.is(/pins are missing/.test(error.message), errno === 'ENOENT', 'only what is missing is said to be missing');
  }
  t.is(new Set(CASES.map(([errno]) => pinAdvice(-constants.errno[errno], 'may not'))).size, CASES.length);
});

test('advice: an errno that nothing is known of is told without a guess', (t) => {
  for (const errno of ['EIO', 'EFAULT', 'E2BIG', 'ESTALE'] as const) {
    const error = t.throws(() => openMaps(answering(-constants.errno[errno]), paths, 'agent'));
    t.is(error.message, `open map ${paths.map('redirect4')}: ${errno}`);
    t.is(bpfAdvice(-constants.errno[errno]), '');
  }
});

test('advice: pins that cannot be looked at are not said to be gone', (t) => {
  const maps = { redirect4: {} as MapHandle } as never;
  for (const [errno, words] of CASES) {
    const error = t.throws(() => requireSamePins(answering(-constants.errno[errno]), maps, paths), {
      instanceOf: PinsLostError,
    });
    t.regex(error.message, errno === 'ENOENT' ? /ENOENT; pins are gone$/ : words);
  }
});

test('advice: too many open files are said with advice, whatever was tried', (t) => {
  for (const [errno, rc] of [
    ['EMFILE', -24],
    ['ENFILE', -23],
  ] as const) {
    const message = new RegExp(`^subscribe rtnetlink: ${errno}; this (process|host) has too many files open: raise`);
    t.throws(() => requireValue(rc, 'subscribe', 'rtnetlink'), { instanceOf: KernelError, message });
    t.throws(() => requireDone(rc, 'subscribe', 'rtnetlink', 'other advice'), { instanceOf: KernelError, message });
  }
});

test('pins: one that cannot be looked at for lack of files counts as lost for now, and is closed again', (t) => {
  const closed: unknown[] = [];
  const native = { mapOpen: () => 'pinned', mapInfo: () => -24, close: (handle: unknown) => void closed.push(handle) };
  const look = () => requireSamePins(native as never, { control: 'own' } as never, pinPaths('/run/bpf'));
  t.throws(look, { instanceOf: PinsLostError, message: /EMFILE; this process has too many files open/ });
  t.deepEqual(closed, ['pinned']);
});
