import test from 'ava';
import { endText, must, run } from '../support/process.ts';

test('process: how it ended is said as it was', async (t) => {
  t.is(endText(0), 'ended with 0');
  t.is(endText(137), 'was killed (SIGKILL)');
  t.is(endText(139), 'was killed (SIGSEGV)');
  t.is(endText(255), 'ended with 255');
  t.is((await run(['sh', '-c', 'kill -SEGV $$'])).status, 139);
  await t.throwsAsync(must(['sh', '-c', 'kill -INT $$']), { message: /^sh -c .* was killed \(SIGINT\): $/ });
});
