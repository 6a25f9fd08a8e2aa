import test from 'ava';
import { connect } from 'nats';
import { encodeApiError } from '../../protocol/api.ts';
import type { AnyCode } from '../../protocol/codes.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { startNats } from '../support/nats.ts';
import { KeptTerminal, shunt } from '../unit/cli/session.ts';
import { House } from './house.ts';

function redirects(...names: readonly string[]): string {
  const lines = names.map((name, at) => {
    const match = `{ dst: 203.0.113.${10 + at + name.charCodeAt(0)}, proto: udp, dport: 443 }`;
    return `  - { name: ${name}, hosts: ${name < 'c' ? '[edge-1]' : '{ role: edge }'}, match: ${match}, to: drop }\n`;
  });
  return `redirects:${names.length === 0 ? ' []' : ''}\n${lines.join('')}`;
}

async function names(house: House): Promise<readonly string[]> {
  const { items } = JSON.parse((await house.shunt(['get', '-o', 'json'])).stdout) as {
    readonly items: readonly { readonly spec: { readonly name: string }; readonly set?: string }[];
  };
  return items.map(({ spec, set }) => (set === undefined ? spec.name : `${spec.name}@${set}`));
}

test('sets: apply puts into one, says what left another, and prunes what is shown and confirmed', async (t) => {
  await using house = await House.open();
  const web = house.write('web/all.yaml', redirects('a', 'b', 'c'));
  t.regex((await house.shunt(['apply', '-f', house.file('web'), '--set', 'web'])).stdout, /^created 3/);
  const db = house.write('db.yaml', redirects('a'));
  const moved = await house.shunt(['apply', '-f', db, '--set', 'db']);
  t.is(moved.stderr, 'note: in the set db now, and no more in web: a\n');
  house.write('web/all.yaml', redirects('c', 'd'));
  const call = ['apply', '-f', web, '--set', 'web', '--prune'];
  t.like(await house.shunt(call), {
    exit: 2,
    stdout: '',
    stderr:
      'would delete 1 redirect of the set web:\n  b\n' +
      'shunt apply: 1 redirect of the set web would go, and nobody can be asked here; --yes does it\n',
  });
  const no = new KeptTerminal(80, false, false);
  t.like(await house.shunt(call, { terminal: no }), { exit: 1 });
  t.deepEqual(no.asked, ['delete them?']);
  t.regex(no.stderr, /nothing was changed/);
  t.deepEqual(await names(house), ['a@db', 'b@web', 'c@web']);
  const plan = await house.shunt(['plan', '-f', web, '--set', 'web', '--prune', '-o', 'json']);
  t.like(JSON.parse(plan.stdout), { created: 1, deleted: 1, set: { name: 'web', joined: 1 } });
  t.deepEqual(JSON.parse(plan.stdout).pruned, ['b']);
  t.is(plan.stderr, 'would delete 1 redirect of the set web:\n  b\n');
  const yes = await house.shunt(call, { terminal: new KeptTerminal(80, false, true) });
  t.regex(yes.stdout, /^created 1, changed 1, unchanged 0, deleted 1; hosts 1/);
  t.deepEqual(await names(house), ['a@db', 'c@web', 'd@web']);
  t.regex((await house.shunt([...call, '--yes'])).stdout, /unchanged 2, deleted 0/);
});

test('sets: what says nothing prunes nothing', async (t) => {
  await using house = await House.open();
  await house.shunt(['apply', '-f', house.write('web.yaml', redirects('a', 'b')), '--set', 'web']);
  house.write('none/readme.md', '');
  const empty = house.write('empty.yaml', redirects());
  for (const words of [
    ['apply', '-f', house.file('none'), '--set', 'web', '--prune', '--yes'],
    ['apply', '-f', empty, '--set', 'web', '--prune', '--yes'],
    ['apply', '-f', house.file('web.yaml'), '--set', '', '--prune', '--yes'],
    ['apply', '-f', house.file('web.yaml'), '--prune', '--yes'],
    ['plan', '-f', empty, '--set', 'web', '--prune'],
    ['delete', '--set', '', '--yes'],
    ['delete', '-l', '', '--yes'],
    ['delete', '-f', house.file('none'), '--yes'],
    ['delete', '-f', '', '--yes'],
    ['delete', '--yes'],
  ]) {
    const session = await house.shunt(words);
    t.true([1, 2].includes(session.exit), words.join(' '));
    t.is(session.stdout, '', words.join(' '));
  }
  t.deepEqual(await names(house), ['a@web', 'b@web']);
});

test('delete: a name beside files, a set or labels may mean all or both, and deletes nothing', async (t) => {
  await using house = await House.open();
  const file = house.write('web.yaml', redirects('a', 'c'));
  await house.shunt(['apply', '-f', file, '--set', 'web']);
  for (const words of [
    ['b', '--set', 'web'],
    ['a', '-l', 'role=edge'],
    ['a', '-f', file],
    ['-f', file, '--set', 'web'],
  ]) {
    const { exit, stderr } = await house.shunt(['delete', ...words, '--yes']);
    t.is(exit, 2, words.join(' '));
    t.regex(
      stderr,
      /^shunt delete: (NAME is one redirect|-f names redirects one by one); leave out (-f|--set and -l): whether both/,
    );
  }
  t.deepEqual(await names(house), ['a@web', 'c@web']);
});

test('sets: of files that are all gone, apply and plan say how a whole set goes', async (t) => {
  await using house = await House.open();
  await house.shunt(['apply', '-f', house.write('web.yaml', redirects('a')), '--set', 'web']);
  house.write('none/readme.md', '');
  const empty = house.write('empty.yaml', redirects());
  for (const command of ['apply', 'plan'])
    for (const file of [house.file('none'), empty]) {
      const { stderr } = await house.shunt([command, '-f', file, '--set', 'web', '--prune']);
      t.regex(stderr, /; shunt delete --set web deletes the set\n$/);
      t.notRegex((await house.shunt([command, '-f', file, '--set', 'web'])).stderr, /shunt delete/);
    }
  t.deepEqual(await names(house), ['a@web']);
});

test('delete, apply --prune: what would be refused for its size is refused before anybody is asked', async (t) => {
  await using house = await House.open();
  const file = house.write(
    'web.yaml',
    redirects('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h').replaceAll(
      /hosts: .*?(?=, match|\n)/g,
      'hosts: [edge-1, edge-2]',
    ),
  );
  await house.shunt(['apply', '-f', file, '--set', 'web']);
  const keep = house.write(
    'keep.yaml',
    redirects('h').replaceAll(/hosts: .*?(?=, match|\n)/g, 'hosts: [edge-1, edge-2]'),
  );
  for (const words of [
    ['delete', '--set', 'web'],
    ['apply', '-f', keep, '--set', 'web', '--prune'],
  ]) {
    const terminal = new KeptTerminal(200, false, true);
    const { exit, stderr } = await house.shunt(words, { terminal });
    t.is(exit, 1);
    t.deepEqual(terminal.asked, []);
    t.regex(
      stderr,
      /would refuse it: of 8 redirects on edge-1, \d would go and 0 send elsewhere, as 1 other host; nothing/,
    );
    const allowed = new KeptTerminal(200, false, false);
    await house.shunt([...words, '--allow-shrink', '--reason', 'test'], { terminal: allowed });
    t.deepEqual(allowed.asked, ['delete them?']);
  }
});

test('delete: of files, a set or labels is shown and asked for', async (t) => {
  await using house = await House.open();
  await house.shunt(['apply', '-f', house.write('web.yaml', redirects('a', 'c', 'd', 'e')), '--set', 'web']);
  await house.shunt(['apply', '-f', house.write('db.yaml', redirects('b', 'f')), '--set', 'db']);
  const narrow = await house.shunt(['delete', '-l', 'role=edge', '--set', 'db', '-y']);
  t.is(narrow.stderr, 'would delete 1 redirect of the set db for hosts with role=edge:\n  f\n');
  t.regex(narrow.stdout, /^f: deleted\n/);
  t.is((await house.shunt(['delete', '--set', 'db'])).exit, 2);
  const asked = new KeptTerminal(80, false, true);
  t.is((await house.shunt(['delete', '--set', 'db'], { terminal: asked })).exit, 0);
  t.deepEqual(asked.asked, ['delete them?']);
  t.regex(asked.stdout, /^b: deleted\n/);
  t.is((await house.shunt(['delete', 'c'])).exit, 0);
  const file = house.write('some.yaml', redirects('a', 'zz-top'));
  const written = await house.shunt(['delete', '-f', file, '--yes']);
  t.is(written.stderr, 'would delete 2 redirects in some.yaml:\n  a\n  zz-top\n');
  t.regex(written.stdout, /^a: deleted\nzz-top: already absent\n/);
  t.deepEqual(await names(house), ['d@web', 'e@web']);
  const missed = await house.shunt(['delete', '--set', 'wep', '--yes']);
  t.like(missed, { exit: 0, stderr: 'note: there is no redirect in the set wep; did you mean web?\n' });
  t.is((await house.shunt(['delete', '-l', 'role=core', '--yes'])).exit, 0);
  t.deepEqual(await names(house), ['d@web', 'e@web']);
});

test('sets: the size gate holds for what is pruned', async (t) => {
  await using house = await House.open();
  const many = (count: number) =>
    Array.from({ length: count }, (_, at) =>
      JSON.stringify({ name: `r-${at}`, hosts: ['edge-1'], match: { dst: `203.0.113.${at}` }, to: 'drop' }),
    ).join('\n');
  await house.shunt(['apply', '-f', house.write('web.jsonl', many(20)), '--set', 'web']);
  const few = house.write('web.jsonl', many(10));
  const call = ['apply', '-f', few, '--set', 'web', '--prune', '--yes'];
  const refused = await house.shunt(call);
  t.is(refused.exit, 1);
  t.regex(refused.stderr, /--allow-shrink/);
  t.is((await names(house)).length, 20);
  t.regex((await house.shunt([...call, '--allow-shrink', '--reason', 'fewer'])).stdout, /deleted 10;/);
  const history = await house.shunt(['history', 'r-15', '-o', 'json']);
  t.regex(history.stdout, /"reason":"fewer"/);
});

test('sets: a controller of an older release says in one sentence that it has none', async (t) => {
  await using server = await startNats();
  const bus = await connect({ servers: server.url });
  t.teardown(() => bus.close());
  const answers = (verb: 'names' | 'apply' | 'plan' | 'get', code: AnyCode, message: string): void => {
    const reply = encodeApiError({ v: 1, error: { code, message } });
    bus.subscribe(makeSubjects().api(verb), { callback: (_, asked) => void asked.respond(reply) });
  };
  answers('names', 'UNKNOWN_VERB', 'names is not a verb of this controller');
  for (const verb of ['apply', 'plan', 'get'] as const) answers(verb, 'UNKNOWN_FIELD', 'set: unknown field');
  await bus.flush();
  for (const words of [
    ['apply', '-f', '-', '--set', 'web'],
    ['plan', '-f', '-', '--set', 'web'],
    ['apply', '-f', '-', '--set', 'web', '--prune'],
    ['delete', '--set', 'web'],
    ['get', '--set', 'web'],
    ['get', '-l', 'role=edge'],
  ]) {
    const { exit, stderr } = await shunt(words, { stdin: redirects('a'), env: { SHUNT_NATS: server.url } });
    t.is(exit, 1, words.join(' '));
    t.regex(stderr, /a controller that knows no sets is of an older release: upgrade it\n$/, words.join(' '));
  }
  const plain = await shunt(['apply', '-f', '-'], { stdin: redirects('a'), env: { SHUNT_NATS: server.url } });
  t.notRegex(plain.stderr, /knows no sets/);
});
