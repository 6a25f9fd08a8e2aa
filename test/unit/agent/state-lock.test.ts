import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { StartError } from '../../../agent/start-error.ts';
import { lockState } from '../../../agent/state-lock.ts';

const EAGAIN = 11;

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
