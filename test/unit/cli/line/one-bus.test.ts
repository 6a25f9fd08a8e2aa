import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { command } from '../../../../cli/line/command.ts';
import { readArguments, readOptions } from '../../../../cli/line/command-line.ts';
import { BUS_OPTIONS } from '../../../../cli/line/options.ts';
import { shunt } from '../session.ts';

const CONTEXTS = `contexts:
  joe: { nats: nats://joe:4222, user: joe, password-file: pw, tls-ca: ca.pem, root-subject: joes.v1, timeout: 9s }
  key: { nats: nats://key:4222, creds: key.creds, tls-cert: key.pem, tls-key: key.key }
  who: { nkey: who.nk }
  lone: { nats: nats://lone:4222, user: ann }
  bare: { timeout: 8s }
`;
const MACHINE = 'nats: nats://machine:4222\ncreds: /machine.creds\ntls-ca: /machine.pem\nroot-subject: machine.v1\n';
/** Every variable that says of a bus, but its address. */
const ENV = {
  SHUNT_CREDS: '/env.creds',
  SHUNT_NKEY: '/env.nk',
  SHUNT_USER: 'eve',
  SHUNT_PASSWORD: 'secret',
  SHUNT_PASSWORD_FILE: '/env.pw',
  SHUNT_TOKEN: 'token',
  SHUNT_TOKEN_FILE: '/env.token',
  SHUNT_TLS_CA: '/env.pem',
  SHUNT_TLS_CERT: '/env.cert',
  SHUNT_TLS_KEY: '/env.key',
  SHUNT_ROOT_SUBJECT: 'env.v1',
};
const ASKING = command({ synopsis: '', about: '', examples: [], options: BUS_OPTIONS, run: async () => 0 });
const THERE = { SHUNT_NATS: 'nats://env:4222' };

/** A home with contexts, one of them the current one, and what a machine says beside it. */
function home(t: ExecutionContext, current?: string): Readonly<Record<'HOME' | 'SHUNT_CONFIG', string>> {
  const HOME = mkdtempSync(join(tmpdir(), 'shunt-bus-'));
  t.teardown(() => rmSync(HOME, { recursive: true }));
  mkdirSync(join(HOME, '.config/shunt'), { recursive: true });
  const last = current === undefined ? '' : `current: ${current}\n`;
  writeFileSync(join(HOME, '.config/shunt/shunt.yaml'), CONTEXTS + last, { mode: 0o600 });
  writeFileSync(join(HOME, 'machine.yaml'), MACHINE);
  return { HOME, SHUNT_CONFIG: join(HOME, 'machine.yaml') };
}

/** All that options say of a bus; files of the context by their last name. */
async function bus(words: string, env: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
  const all = await readOptions(ASKING, readArguments('x', ASKING, words.split(' ').filter(Boolean)), env);
  const said = Object.entries(all).filter(
    ([name, value]) => value !== undefined && !['timeout', 'output'].includes(name),
  );
  const short = (value: unknown): unknown => String(value).replace(/.*\.config\/shunt\//, '');
  return Object.fromEntries(said.filter(([name]) => name !== 'context').map(([name, value]) => [name, short(value)]));
}

const JOE = {
  nats: 'nats://joe:4222',
  user: 'joe',
  'password-file': 'pw',
  'tls-ca': 'ca.pem',
  'root-subject': 'joes.v1',
};
const KEY = {
  nats: 'nats://key:4222',
  creds: 'key.creds',
  'tls-cert': 'key.pem',
  'tls-key': 'key.key',
  'root-subject': 'shunt.v1',
};

test('one bus: a context that is named on the line comes before every variable', async (t) => {
  const env = { ...home(t, 'key'), ...ENV, ...THERE };
  t.deepEqual(await bus('--context joe', env), JOE);
  t.deepEqual(await bus('--context joe', { ...env, SHUNT_CONTEXT: 'key' }), JOE);
  t.deepEqual(await bus('--context who', env), {
    nats: 'nats://127.0.0.1:4222',
    nkey: 'who.nk',
    'root-subject': 'shunt.v1',
  });
});

test('one bus: beside a context, whoever chose it, no variable says who this is', async (t) => {
  t.deepEqual(await bus('', { ...home(t, 'joe'), ...ENV }), JOE);
  t.deepEqual(await bus('', { ...home(t), ...ENV, SHUNT_CONTEXT: 'joe' }), JOE);
  for (const [name, value] of Object.entries(ENV))
    t.deepEqual(await bus('', { ...home(t, 'key'), [name]: value }), KEY, name);
});

test('one bus: an address of the environment or the line gets nothing of the current context', async (t) => {
  for (const current of ['joe', 'key', 'who']) {
    const env = home(t, current);
    t.deepEqual(await bus('', { ...env, ...THERE }), { nats: 'nats://env:4222', 'root-subject': 'shunt.v1' });
    t.deepEqual(await bus('--nats nats://line:4222', env), { nats: 'nats://line:4222', 'root-subject': 'shunt.v1' });
    t.deepEqual(await bus('', { ...env, ...THERE, SHUNT_CREDS: '/env.creds', SHUNT_ROOT_SUBJECT: 'env.v1' }), {
      nats: 'nats://env:4222',
      creds: '/env.creds',
      'root-subject': 'env.v1',
    });
  }
});

test('one bus: two that say it and are as near as each other are refused', async (t) => {
  const env = { ...home(t), ...THERE, SHUNT_CONTEXT: 'joe' };
  const both =
    /^SHUNT_NATS and SHUNT_CONTEXT \(joe\): each says which bus, .*; unset one of them, or write --context joe$/;
  await t.throwsAsync(bus('', env), { message: both });
  t.like(await bus('--context key', env), { nats: 'nats://key:4222', creds: 'key.creds' });
  t.deepEqual(await bus('--nats nats://line:4222', env), { nats: 'nats://line:4222', 'root-subject': 'shunt.v1' });
  await t.throwsAsync(bus('--context joe --nats nats://line:4222', home(t)), {
    message: /^--nats and --context \(joe\): each says which bus, .*; leave one of them out$/,
  });
});

test('one bus: the line may say otherwise who this is, and then all of it', async (t) => {
  const env = { ...home(t, 'joe'), ...ENV };
  const there = { nats: 'nats://joe:4222', 'tls-ca': 'ca.pem', 'root-subject': 'joes.v1' };
  t.deepEqual(await bus('--creds /my.creds', env), { ...there, creds: '/my.creds' });
  t.deepEqual(await bus('--user ann --password-file /my.pw', env), {
    ...there,
    user: 'ann',
    'password-file': '/my.pw',
  });
  t.deepEqual(await bus('--root-subject my.v1', env), { ...JOE, 'root-subject': 'my.v1' });
  t.deepEqual(await bus('--context key --tls-cert /my.pem --tls-key /my.key', env), {
    ...KEY,
    'tls-cert': '/my.pem',
    'tls-key': '/my.key',
  });
});

test('one bus: a password of the environment is for no user of a context, which is said', async (t) => {
  const env = { ...home(t, 'lone'), SHUNT_PASSWORD: 'secret' };
  await t.throwsAsync(bus('', env), {
    message: /context lone: user needs password-file too; SHUNT_PASSWORD does not count/,
  });
  await t.throwsAsync(bus('--user eve --context joe', env), {
    message: /^--user beside context joe needs --password-file too; SHUNT_PASSWORD does not count/,
  });
});

test('one bus: a context that says nothing of a bus leaves all to others', async (t) => {
  const env = home(t, 'bare');
  const machine = {
    nats: 'nats://machine:4222',
    creds: '/machine.creds',
    'tls-ca': '/machine.pem',
    'root-subject': 'machine.v1',
  };
  t.deepEqual(await bus('', env), machine);
  t.deepEqual(await bus('--context bare', { ...env, ...THERE }), { ...machine, nats: 'nats://env:4222' });
});

test('one bus: context show says where commands go, who says so, and what does not count', async (t) => {
  const env = { ...home(t, 'key'), SHUNT_PASSWORD: 'secret' };
  const show = (more = {}, words = 'context show') => shunt(words.split(' '), { env: { ...env, ...more } });
  const own = await show();
  t.regex(own.stdout, /^key of .*, the current one\n\n.*\nnats +nats:\/\/key:4222 +context key\n/);
  t.regex(own.stderr, /SHUNT_PASSWORD: set, and not for the bus of a context/);
  const other = await show(THERE);
  t.regex(
    other.stdout,
    /^SHUNT_NATS says which bus, and comes before key of .*, the current one, which does not count\n/,
  );
  t.regex(other.stdout, /\nnats +nats:\/\/env:4222 +SHUNT_NATS\n/);
  t.notRegex(other.stdout, /key\.creds|secret$/m);
  t.like(JSON.parse((await show(THERE, 'context show -o json')).stdout), { name: 'key', beatenBy: 'SHUNT_NATS' });
  const listed = await show(THERE, 'context list');
  t.notRegex(listed.stdout, /\*/);
  t.regex(listed.stderr, /SHUNT_NATS says which bus, and comes before key, the current one/);
  t.is((await show({ ...THERE, SHUNT_CONTEXT: 'joe' })).exit, 2);
});

test('one bus: where a bus cannot be reached, the context that named it is named', async (t) => {
  const nobody = CONTEXTS.replace(
    'nats://joe:4222, user: joe, password-file: pw, tls-ca: ca.pem',
    'nats://127.0.0.1:1',
  );
  const { HOME } = home(t);
  writeFileSync(join(HOME, '.config/shunt/shunt.yaml'), nobody, { mode: 0o600 });
  const own = await shunt(['get', '--context', 'joe'], { env: { HOME } });
  t.is(own.exit, 4);
  t.regex(
    own.stderr,
    /cannot reach NATS at nats:\/\/127\.0\.0\.1:1 \(context joe\): .*, or name another with --context; /,
  );
  const other = await shunt(['get', '--nats', 'nats://127.0.0.1:1'], { env: { HOME, SHUNT_CONTEXT: 'joe' } });
  t.regex(other.stderr, /NATS at nats:\/\/127\.0\.0\.1:1: .*, or name another with --nats\n$/);
});
