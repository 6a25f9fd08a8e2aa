import { readdirSync } from 'node:fs';
import test from 'ava';
import { COMMANDS } from '../../../../cli/commands.ts';
import { namesOf } from '../../../../cli/line/verbs.ts';

test('commands: the table has every one that there is', (t) => {
  const files = readdirSync(new URL('../../../../cli/commands', import.meta.url));
  const names = namesOf(COMMANDS).map((name) => name.replaceAll(' ', '-'));
  t.deepEqual(names.sort(), files.map((file) => file.replace(/\.ts$/, '')).sort());
});
