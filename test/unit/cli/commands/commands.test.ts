import { readdirSync } from 'node:fs';
import test from 'ava';
import { COMMANDS } from '../../../../cli/commands.ts';

test('commands: the table has every one that there is', (t) => {
  const files = readdirSync(new URL('../../../../cli/commands', import.meta.url));
  t.deepEqual(Object.keys(COMMANDS).sort(), files.map((file) => file.replace(/\.ts$/, '')).sort());
});
