import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { tellReady } from '../../../daemon/ready.ts';

test('ready: systemd is told by its own tool, where it wants to be told', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'shunt-ready-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const tool = join(folder, 'systemd-notify');
  await writeFile(tool, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >>'${folder}/told'\n`);
  await chmod(tool, 0o755);
  const env = { PATH: `${folder}:${process.env.PATH}` };
  tellReady(env);
  tellReady({ ...env, NOTIFY_SOCKET: '/run/systemd/notify' });
  t.is(await readFile(join(folder, 'told'), 'utf8'), `/run/systemd/notify --ready --pid=${process.pid}\n`);
});
