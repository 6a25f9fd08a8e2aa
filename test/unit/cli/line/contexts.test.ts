import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { command } from '../../../../cli/line/command.ts';
import { readArguments, readOptions } from '../../../../cli/line/command-line.ts';
import { contextsFile, readContexts } from '../../../../cli/line/contexts.ts';
import { BUS_OPTIONS, CONNECTION_OPTIONS } from '../../../../cli/line/options.ts';
import { useContext } from '../../../../cli/line/use-context.ts';
import { run } from '../../../support/process.ts';
import { matchesGolden } from '../golden.ts';
import { KeptTerminal, shunt } from '../session.ts';

const TEXT = `# mine
contexts:
  lab: { nats: nats://lab.example:4222, timeout: 9s } # here
  prod:
    nats: [tls://bus-1.example:4222,   tls://bus-2.example:4222]
    creds: prod.creds
    root-subject: fleet.v1
  bare: {}
current: lab # for now
`;

/** A home with such a file, gone when the test is over. */
function home(t: ExecutionContext, text = TEXT): { readonly HOME: string; readonly file: string } {
  const HOME = mkdtempSync(join(tmpdir(), 'shunt-home-'));
  t.teardown(() => rmSync(HOME, { recursive: true }));
  mkdirSync(join(HOME, '.config/shunt'), { recursive: true });
  const file = join(HOME, '.config/shunt/shunt.yaml');
  writeFileSync(file, text, { mode: 0o600 });
  return { HOME, file };
}

const ASKING = command({ synopsis: '', about: '', examples: [], options: BUS_OPTIONS, run: async () => 0 });
const DAEMON = command({ synopsis: '', about: '', examples: [], options: CONNECTION_OPTIONS, run: async () => 0 });

async function read(words: readonly string[], env: Record<string, string>, one = ASKING) {
  return readOptions(one, readArguments('x', one, words), { SHUNT_CONFIG: '/dev/null', ...env });
}

test('contexts: the file is below XDG_CONFIG_HOME, or the home; where neither is a folder, there is none', (t) => {
  t.is(contextsFile({ HOME: '/home/me' }), '/home/me/.config/shunt/shunt.yaml');
  t.is(contextsFile({ HOME: '/home/me', XDG_CONFIG_HOME: '/etc/me' }), '/etc/me/shunt/shunt.yaml');
  t.is(contextsFile({ HOME: '/home/me', XDG_CONFIG_HOME: 'me' }), '/home/me/.config/shunt/shunt.yaml');
  t.is(contextsFile({ XDG_CONFIG_HOME: '' }), undefined);
});

test('contexts: who may not look into the home that the environment names has none', async (t) => {
  const { HOME } = home(t);
  chmodSync(HOME, 0o700);
  const program = `import { readContexts } from '${join(import.meta.dirname, '../../../../cli/line/contexts.ts')}';
process.setgid?.(65534);
process.setuid?.(65534);
console.log((await readContexts({ HOME: '${HOME}' })).contexts.length);`;
  const { stdout } = await run([process.execPath, '--input-type=module-typescript', '-e', program]);
  t.is(stdout, process.getuid?.() === 0 ? '0\n' : '3\n');
});

test('contexts: the argument chooses before the environment, and the environment before the file', async (t) => {
  const { HOME } = home(t);
  t.like(await read([], { HOME }), { nats: ['nats://lab.example:4222'], timeout: 9000, context: undefined });
  t.like(await read([], { HOME, SHUNT_CONTEXT: 'prod' }), { 'root-subject': 'fleet.v1', timeout: 5000 });
  t.like(await read(['--context', 'lab'], { HOME, SHUNT_CONTEXT: 'prod' }), { nats: ['nats://lab.example:4222'] });
  t.like(await read([], { HOME, SHUNT_CONTEXT: '' }), { timeout: 9000 });
  t.like(await read(['--context=bare'], { HOME }), { nats: ['nats://127.0.0.1:4222'] });
});

test('contexts: options come from the argument, the environment, the context, the settings file, in this order', async (t) => {
  const { HOME, file } = home(t);
  const config = join(HOME, 'etc.yaml');
  writeFileSync(config, 'nats: nats://machine:4222\ncreds: /etc/shunt/machine.creds\ntimeout: 1s\noutput: json\n');
  const env = { HOME, SHUNT_CONFIG: config };
  const lab = await read([], env);
  t.like(lab, { nats: ['nats://lab.example:4222'], timeout: 9000, output: 'json' });
  t.is(lab.creds, undefined); // of the machine's bus, and not of this one
  t.like(await read(['--timeout', '3s'], { ...env, SHUNT_NATS: 'nats://env:4222' }), {
    nats: ['nats://env:4222'],
    timeout: 3000,
  });
  t.is((await read(['--context', 'prod'], env)).creds, join(file, '../prod.creds'));
  t.like(await read(['--context', 'bare'], env), { nats: ['nats://machine:4222'], creds: '/etc/shunt/machine.creds' });
});

test('contexts: a daemon goes where its machine says', async (t) => {
  const { HOME } = home(t);
  t.like(await read([], { HOME, SHUNT_CONTEXT: 'prod' }, DAEMON), { nats: ['nats://127.0.0.1:4222'] });
});

/** What is wrong, and what is said. */
const WRONG: readonly (readonly [text: string, said: RegExp])[] = [
  ['contexts: [lab]\n', /shunt\.yaml: contexts: expected names and their options/],
  ['context: {}\n', /shunt\.yaml: unknown key "context"; known: contexts, current/],
  ['contexts: { lab: nats://x }\n', /shunt\.yaml: context lab: expected options and their values/],
  ['contexts: { lab: { natz: nats://x } }\n', /context lab: unknown option "natz"; did you mean nats\?/],
  ['contexts: { lab: { host: b } }\n', /context lab: unknown option "host"; known: nats, creds/],
  ['contexts: { lab: { password: x } }\n', /context lab: unknown option "password"/],
  ['contexts: { lab: { creds: [a, b] } }\n', /context lab: creds: expected one value, not a list/],
  ['contexts: { lab: { nats: x y } }\ncurrent: lab\n', /shunt\.yaml: context lab: nats: expected an address/],
  ['current: lab\n', /^current: .*shunt\.yaml has no context "lab"; it has none; write one there/],
  ['contexts: { lab: }\ncurrent: 7\n', /shunt\.yaml: context lab: expected options|current: expected the name/],
  ['contexts: { lab: {} }\ncurrent: [lab]\n', /shunt\.yaml: current: expected the name of a context/],
  ['contexts: {\n', /shunt\.yaml:\d: not valid YAML/],
  ['contexts: { lab: {} }\ncurrent: lob\n', /has no context "lob"; did you mean lab\?/],
];

for (const [text, said] of WRONG) {
  test(`contexts: ${JSON.stringify(text)} is told with file and context`, async (t) => {
    const { HOME } = home(t, text);
    await t.throwsAsync(read([], { HOME }), { message: said, name: 'Failure' });
  });
}

test('contexts: a file that others can write to is refused', async (t) => {
  const { HOME, file } = home(t);
  chmodSync(file, 0o646);
  await t.throwsAsync(readContexts({ HOME }), { message: `${file}: others can write to it; chmod o-w ${file}` });
});

test('contexts: a file of another user is refused, as under sudo -E', async (t) => {
  const { HOME, file } = home(t);
  if (process.getuid?.() !== 0) return t.is((await readContexts({ HOME })).current, 'lab');
  chownSync(file, 65_534, 65_534);
  await t.throwsAsync(readContexts({ HOME }), { message: /is of another user, who would choose your bus; set HOME/ });
});

test('contexts: use changes one word of the file, and keeps its mode and a link to it', async (t) => {
  const { HOME, file } = home(t);
  const link = join(HOME, 'xdg/shunt/shunt.yaml');
  mkdirSync(join(HOME, 'xdg/shunt'), { recursive: true });
  symlinkSync(file, link);
  chmodSync(file, 0o640);
  t.deepEqual(await useContext({ XDG_CONFIG_HOME: join(HOME, 'xdg') }, 'prod'), { file: link, before: 'lab' });
  t.is(readFileSync(file, 'utf8'), TEXT.replace('current: lab', 'current: prod'));
  t.is(statSync(file).mode & 0o777, 0o640);
  await t.throwsAsync(useContext({ HOME }, 'nosuch'), {
    message: /^NAME: .* has no context "nosuch"; known: lab, prod/,
  });
  t.is(readFileSync(file, 'utf8'), TEXT.replace('current: lab', 'current: prod'));
});

test('contexts: use writes the word where there is none yet, quoted where it would be no text', async (t) => {
  for (const text of ['# a\ncontexts:\n  "12": {} # b\n', '# a\ncontexts: { "12": {} } # b\ncurrent:\n']) {
    const { HOME, file } = home(t, text);
    t.is((await useContext({ HOME }, '12')).before, undefined);
    t.is((await readContexts({ HOME })).current, '12');
    t.regex(readFileSync(file, 'utf8'), /# a\n[\s\S]*# b/);
  }
});

test('contexts: use adds a line where none says which, and changes nothing else', async (t) => {
  const none = TEXT.replace(/current:.*\n/, '').replace('[tls://bus-1', '[  tls://bus-1');
  for (const text of [none, none.trimEnd(), `${none}# the end\n`]) {
    const { HOME, file } = home(t, text);
    await useContext({ HOME }, 'prod');
    t.is(readFileSync(file, 'utf8'), `${text.replace(/\n$/, '')}\ncurrent: prod\n`);
    t.is((await readContexts({ HOME })).current, 'prod');
  }
  const { HOME } = home(t, '{ contexts: { lab: {} } }\n');
  await useContext({ HOME }, 'lab');
  t.is((await readContexts({ HOME })).current, 'lab');
});

test('contexts: list, use and show', async (t) => {
  const { HOME } = home(t);
  const call = (line: string, more = {}) => shunt(line.split(' '), { env: { HOME, ...more } });
  t.regex((await call('context list')).stdout, /^\* {2}lab .*\n {3}prod /m);
  t.like(await call('context use prod'), { exit: 0, stdout: 'prod, and no more lab\n', stderr: '' });
  t.regex(
    (await call('context use prod', { SHUNT_CONTEXT: 'lab' })).stderr,
    /SHUNT_CONTEXT is lab, which comes before/,
  );
  t.like(JSON.parse((await call('context show -o json')).stdout), { name: 'prod', by: 'current' });
  t.regex((await call('context show', { SHUNT_CONTEXT: 'lab' })).stdout, /^lab of .*, by SHUNT_CONTEXT\n/);
  const listed = JSON.parse((await call('context list -o json')).stdout);
  t.is(listed.current, 'prod');
  t.deepEqual(listed.items[0], { name: 'lab', options: { nats: ['nats://lab.example:4222'], timeout: ['9s'] } });
  t.regex((await call('context show nosuch')).stderr, /NAME: .* has no context "nosuch"/);
  const none = await shunt(['context', 'show']);
  t.is(none.exit, 0);
  t.regex(none.stdout, /^no context is in force\n\n.*\nnats +nats:\/\/127\.0\.0\.1:4222 +default\n/);
  t.regex((await shunt(['context', 'list'])).stdout, /^no contexts/);
});

test('contexts: what list and show lay out', async (t) => {
  const { HOME } = home(
    t,
    TEXT.replace('current: lab', 'current: prod').replace('prod.creds', '/etc/shunt/prod.creds'),
  );
  for (const [name, line] of [
    ['done-context-list', 'context list'],
    ['done-context-list-80', 'context list'],
    ['done-context-show', 'context show'],
  ] as const) {
    const terminal = new KeptTerminal(name.endsWith('80') ? 80 : undefined);
    const { exit, stdout, stderr } = await shunt(line.split(' '), { env: { HOME }, terminal });
    const session = { exit, stderr, stdout: stdout.replaceAll(HOME, '/home/me') };
    await matchesGolden(t, name, line.split(' '), session);
  }
});
