import assert from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { StartError } from '../../../agent/start-error.ts';
import { lockState } from '../../../agent/state-lock.ts';

const EAGAIN = 11;

/** Not to be come to. */
const UNUSED = { lockFile: (): never => assert.fail('it was locked') };

test('state directory: one that others could exchange, or whose lock is no file, is refused, and nothing is made there', (t) => {
  const top = mkdtempSync(join(tmpdir(), 'shunt-lock-'));
  t.teardown(() => rmSync(top, { recursive: true }));
  const open = join(top, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  const state = join(open, 'state');
  t.throws(() => lockState(UNUSED, state), {
    instanceOf: StartError,
    message: `use the state directory ${state}: ${open} can be written to by others (mode 777); chmod go-w ${open}`,
  });
  t.false(existsSync(state));
  symlinkSync('elsewhere', join(top, 'lock'));
  t.throws(() => lockState(UNUSED, top), {
    instanceOf: StartError,
    message: `use the state directory ${top}: ${join(top, 'lock')} is a symbolic link; name the file that is meant, or remove the link`,
  });
});

test('state directory: who has it already is named', async (t) => {
  const state = mkdtempSync(join(tmpdir(), 'shunt-lock-'));
  t.teardown(() => rmSync(state, { recursive: true }));
  const holder = spawn('flock', ['--no-fork', join(state, 'lock'), 'sh', '-c', 'echo locked && exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  t.throws(() => lockState({ lockFile: () => -EAGAIN }, state), {
    instanceOf: StartError,
    message: `lock ${join(state, 'lock')}: another agent runs on this state directory (process ${holder.pid}); stop it first`,
  });
  holder.stdin.end();
  await once(holder, 'exit');
});
