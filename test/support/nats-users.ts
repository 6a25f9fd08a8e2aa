import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/**
 * Arguments of a nats-server that lets these users in, as its configuration has them, and gives whoever connects a minute
 * to say who it is: the server's own second is over too soon on a busy machine.
 */
export function onlyUsers(t: ExecutionContext, users: string, more = ''): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'shunt-users-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'nats.conf');
  writeFileSync(config, `authorization: { timeout: 60, users: [${users}] }\n${more}`);
  return ['--config', config];
}
