import { readdirSync } from 'node:fs';
import test from 'ava';
import { COMMANDS } from '../../../../cli/commands.ts';
import { findCalled, namesOf } from '../../../../cli/line/verbs.ts';

test('commands: the table has every one that there is', (t) => {
  const files = readdirSync(new URL('../../../../cli/commands', import.meta.url));
  const names = namesOf(COMMANDS).map((name) => name.replaceAll(' ', '-'));
  t.deepEqual(names.sort(), files.map((file) => file.replace(/\.ts$/, '')).sort());
});

test('commands: a host that may be left out, as this one is meant then, stands in brackets in the usage line', async (t) => {
  for (const name of namesOf(COMMANDS)) {
    const { entry } = await findCalled(name.split(' '), COMMANDS);
    const { synopsis = '' } = (await entry?.load()) ?? {};
    t.notRegex(synopsis.replaceAll(/\[[^\]]*\]/g, ''), /--host/, `shunt ${name}`);
  }
});
