import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Claim } from '../../../../agent/kernel/claim.ts';
import type { LockHandle, Native } from '../../../../native/index.ts';

/** A name that is too long stands for what keeps a folder from being looked at. */
const TOO_LONG = 'x'.repeat(300);

/** An addon that locks whatever it is told to, and what it was told. */
function makeNative(answer?: number) {
  const done: string[] = [];
  const native = {
    lockFolder: (path: string) => {
      done.push(`lock ${path}`);
      return answer ?? ({} as LockHandle);
    },
    close: () => done.push('close'),
    mapOpen: () => -2,
  } as unknown as Native;
  return { native, done };
}

test('claim: a folder that is not there is none, and one that cannot be looked at is said to be that', (t) => {
  const { native, done } = makeNative();
  t.false(new Claim(native, '/nowhere/at/all').take());
  const error = t.throws(() => new Claim(native, join('/', TOO_LONG)).take(), { name: 'KernelError' });
  t.regex(error.message, /^look at .*: ENAMETOOLONG$/);
  t.deepEqual(done, []);
});

test('claim: it is taken once, and given up when the folder is another one', (t) => {
  const pinRoot = mkdtempSync(join(tmpdir(), 'shunt-claim-'));
  const folder = join(pinRoot, 'agent');
  writeFileSync(folder, '');
  const { native, done } = makeNative();
  const claim = new Claim(native, pinRoot);
  t.true(claim.take() && claim.take());
  t.deepEqual(done, [`lock ${folder}`]);
  rmSync(folder);
  t.false(claim.take(), 'the lock of what is gone is worth nothing');
  t.deepEqual(done, [`lock ${folder}`, 'close']);
  rmSync(pinRoot, { recursive: true });
});

test('claim: each errno of locking has a sentence of its own', (t) => {
  const pinRoot = mkdtempSync(join(tmpdir(), 'shunt-claim-'));
  writeFileSync(join(pinRoot, 'agent'), '');
  const said = ([11, 13, 20, 24, 5] as const).map((errno) => {
    const { native } = makeNative(-errno);
    return t.throws(() => new Claim(native, pinRoot).take()).message.replace(`claim ${join(pinRoot, 'agent')}: `, '');
  });
  t.deepEqual(said, [
    'EAGAIN; another agent keeps these maps; stop it first',
    'EACCES; this user may not: give the maps to the agent with `shunt attach --owner USER`',
    'ENOTDIR; it is no folder: remove it, and run `shunt attach`',
    'EMFILE; this process has too many files open: raise its limit (ulimit -n, LimitNOFILE)',
    'EIO',
  ]);
  rmSync(pinRoot, { recursive: true });
});
