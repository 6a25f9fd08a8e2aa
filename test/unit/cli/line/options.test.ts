import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { command } from '../../../../cli/line/command.ts';
import { readArguments, readOptions } from '../../../../cli/line/command-line.ts';
import type { Option } from '../../../../cli/line/option.ts';
import { OPTION_NAMES, OPTIONS } from '../../../../cli/line/options.ts';

const everything = command({
  synopsis: '',
  about: '',
  examples: [],
  options: OPTION_NAMES.filter((name) => name !== 'config'),
  run: async () => 0,
});

async function read(words: readonly string[], env: Record<string, string> = {}) {
  return readOptions(everything, readArguments('everything', everything, words), {
    SHUNT_CONFIG: '/dev/null',
    SHUNT_HOST: 'b',
    ...env,
  });
}

async function settingsFile(t: { teardown: (end: () => Promise<void>) => void }, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shunt-cli-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'shunt.yaml'), text);
  return join(folder, 'shunt.yaml');
}

test('options: the defaults', async (t) => {
  t.deepEqual(await read([]), {
    context: undefined,
    nats: ['nats://127.0.0.1:4222'],
    creds: undefined,
    nkey: undefined,
    user: undefined,
    'password-file': undefined,
    'token-file': undefined,
    troubled: false,
    'by-host': false,
    sort: 'packets',
    filter: undefined,
    once: false,
    waves: undefined,
    soak: undefined,
    gate: [],
    spread: undefined,
    'max-unreachable': undefined,
    'on-fail': undefined,
    now: false,
    again: false,
    'accept-collateral': false,
    'no-traffic-ok': false,
    'skip-gate': false,
    active: false,
    'tls-ca': undefined,
    'tls-cert': undefined,
    'tls-key': undefined,
    password: undefined,
    token: undefined,
    'root-subject': 'shunt.v1',
    timeout: 5000,
    output: 'table',
    host: 'b',
    state: '/var/lib/shunt/agent',
    db: '/var/lib/shunt/controller.db',
    'pin-root': '/run/shunt/bpf',
    label: [],
    'log-level': 'info',
    file: [],
    set: undefined,
    prune: false,
    yes: false,
    selector: undefined,
    recursive: false,
    'allow-shrink': false,
    'allow-growth': false,
    reason: undefined,
    delete: [],
    'expires-in': undefined,
    out: undefined,
    'exit-code': false,
    confirm: undefined,
    wait: undefined,
    level: 'verified',
    interface: [],
    owner: undefined,
    mode: 'auto',
    'max-redirects': undefined,
    table: undefined,
    deadline: 60_000,
    'dry-run': false,
    keep: false,
    'all-ethernet': false,
    watch: false,
    'accept-hidden-tags': false,
    'accept-private-pins': false,
    last: 100,
    follow: false,
    guard: '/etc/shunt/guard.yaml',
    force: false,
    all: false,
  });
});

test('options: an argument comes before the environment, the environment before the file, the file before the default', async (t) => {
  const file = await settingsFile(t, 'timeout: 1s\nroot-subject: lab.v1\noutput: json\nstate: /srv/agent\n');
  const options = await read(['--config', file, '--timeout=3s'], { SHUNT_TIMEOUT: '2s', SHUNT_ROOT_SUBJECT: 'env.v1' });
  t.is(options.timeout, 3000);
  t.is(options['root-subject'], 'env.v1');
  t.is(options.output, 'json');
  t.is(options.state, '/srv/agent');
  t.is(options.db, '/var/lib/shunt/controller.db');
});

test('options: those that repeat, in each place', async (t) => {
  const file = await settingsFile(t, 'label: { role: edge, rack: 12 }\ninterface: [eth0, eth1]\nnats: nats://a:4222\n');
  const settings = await read([], { SHUNT_CONFIG: file });
  t.deepEqual(settings.label, ['role=edge', 'rack=12']);
  t.deepEqual(settings.interface, ['eth0', 'eth1']);
  t.deepEqual(settings.nats, ['nats://a:4222']);
  const env = await read([], { SHUNT_LABEL: 'role=core, rack=1', SHUNT_NATS: 'nats://a:1,tls://b:2' });
  t.deepEqual(env.label, ['role=core', 'rack=1']);
  t.deepEqual(env.nats, ['nats://a:1', 'tls://b:2']);
  const argument = await read([
    '--label',
    'a=b',
    '--label=c=d',
    '--nats',
    'a:1',
    '--nats',
    'b:2',
    '--interface',
    'eth9',
  ]);
  t.deepEqual(argument.label, ['a=b', 'c=d']);
  t.deepEqual(argument.nats, ['a:1', 'b:2']);
  t.deepEqual(argument.interface, ['eth9']);
});

test('options: short ones, with and without space; an empty variable is none', async (t) => {
  t.is((await read(['-o', 'json'])).output, 'json');
  t.is((await read(['-ojson'])).output, 'json');
  t.is((await read([], { SHUNT_OUTPUT: '' })).output, 'table');
  t.deepEqual((await read(['-f', 'a', '-f', '-'], { SHUNT_FILE: 'never' })).file, ['a', '-']);
});

test('options: what follows -- is an operand', (t) => {
  t.deepEqual(readArguments('everything', everything, ['a', '--', '--nats']).operands, ['a', '--nats']);
});

const WRONG: readonly (readonly [words: readonly string[], message: string])[] = [
  [['--hots', 'b'], 'unknown option --hots; did you mean --host?'],
  [['--frobnicate'], 'unknown option --frobnicate; see --help'],
  [['-x'], 'unknown option -x; see --help'],
  [['--timeout'], '--timeout needs a value: --timeout TIME'],
  [['--timeout', '--nats'], '--timeout needs a value: --timeout TIME'],
  [['--timeout', 'soon'], '--timeout: expected a duration such as 30s, 10m, 2h or 1d, not "soon"'],
  [['--timeout', '1ms'], '--timeout: expected 100ms to 10m, not "1ms"'],
  [['--output', 'yaml'], '--output: expected one of json, table, not "yaml"'],
  [['--mode', 'fast'], '--mode: expected one of auto, native, generic, not "fast"'],
  [
    ['--host', 'Edge.7'],
    '--host: expected a host id of a-z, 0-9 and inner dashes, at most 63 long, not "Edge.7"; did you mean edge-7?',
  ],
  [['--nats', 'http://a'], '--nats: expected an address such as nats://127.0.0.1:4222, not "http://a"'],
  [['--nats', ''], '--nats: expected an address such as nats://127.0.0.1:4222, not ""'],
  [['--root-subject', 'a.>'], '--root-subject: expected a root subject of lower-case tokens, not "a.>"'],
  [['--max-redirects', '0'], '--max-redirects: expected a whole number from 1 to 1048576, not 0'],
  [['--max-redirects', '1e3'], '--max-redirects: expected a whole number from 1 to 1048576, not "1e3"'],
  [['--state', ''], '--state: expected a text that is not empty'],
  [['--log-level', 'loud'], '--log-level: expected one of debug, info, warn, error, not "loud"'],
];

for (const [words, message] of WRONG) {
  test(`options: ${words.join(' ')} is refused with advice`, async (t) => {
    const error = await t.throwsAsync(() => read(words), { message });
    t.is((error as { exit?: number }).exit, 2);
  });
}

test('options: a password in an address is refused and not repeated', async (t) => {
  const error = await t.throwsAsync(() => read(['--nats', 'nats://me:secret@a:1']));
  t.is(error?.message, '--nats: an address must not contain a user or password; use a credentials file with --creds');
});

test('options: errors name the variable or the file that was wrong', async (t) => {
  await t.throwsAsync(() => read([], { SHUNT_TIMEOUT: '7q' }), {
    message: 'SHUNT_TIMEOUT: expected a duration such as 30s, 10m, 2h or 1d, not "7q"',
  });
  const file = await settingsFile(t, 'mode: fast\n');
  await t.throwsAsync(() => read(['--config', file]), {
    message: `${file}: mode: expected one of auto, native, generic, not "fast"`,
  });
});

const BAD_FILES: readonly (readonly [text: string, message: string])[] = [
  ['nat: nats://a:1\n', 'unknown option "nat"; did you mean nats?'],
  ['- nats\n', 'expected option names and their values, e.g. `nats: nats://127.0.0.1:4222`'],
  ['timeout: [1s, 2s]\n', 'timeout: expected one value, not a list'],
  ['interface: [{ a: 1 }]\n', 'interface: expected a plain value'],
  ['config: /etc/other\n', 'unknown option "config"; known: '],
  ['file: x.yaml\n', 'unknown option "file"; known: '],
];

for (const [text, message] of BAD_FILES) {
  test(`settings: ${JSON.stringify(text)} is refused`, async (t) => {
    const file = await settingsFile(t, text);
    const error = await t.throwsAsync(() => read(['--config', file]));
    t.true(error?.message.startsWith(`${file}: ${message}`), error?.message);
  });
}

test('settings: broken YAML is named with its line', async (t) => {
  const file = await settingsFile(t, 'nats: a\nnats: b\n');
  await t.throwsAsync(() => read(['--config', file]), {
    message: `${file}:2: not valid YAML: Map keys must be unique`,
  });
});

test('settings: a file that was named must be there', async (t) => {
  await t.throwsAsync(() => read(['--config', '/nonexistent/x']), {
    message: 'cannot read the settings file /nonexistent/x: there is no such file; name another with --config',
  });
});

test('options: every one has a description and a default that it accepts', (t) => {
  for (const name of OPTION_NAMES) {
    const option: Option<unknown> = OPTIONS[name];
    t.true(option.help.length > 0);
    if (!['host', 'max-redirects', 'config'].includes(name)) t.notThrows(() => option.read([]));
  }
});

test('options: a flag is given or not, and takes no value', async (t) => {
  t.true((await read(['--follow'])).follow);
  t.is((await read(['--follow', '--last', '5'])).last, 5);
  t.throws(() => readArguments('everything', everything, ['--follow=yes']), {
    message: '--follow takes no value, and was given "yes"',
  });
});

const EXCESSIVE: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
  'very many keys': [
    Array.from({ length: 5000 }, (_, at) => `k${at}: v\n`).join(''),
    /:1: a map of 5000 keys; none here/,
  ],
  'a deep nest': [`nats: ${'['.repeat(50_000)}`, /:1: nested too deeply to be read$/],
  'a very long text': [`nats: ${'x'.repeat(100_000)}`, /:1: a text of 100000 characters; none here/],
  'two documents': ['host: a\n---\nhost: b\n', /:2: expected one document, not more$/],
  'more than 1 MiB': ['# x\n'.repeat(300_000), /is longer than 1 MiB/],
};

for (const [title, [text, message]] of Object.entries(EXCESSIVE)) {
  test(`settings file: ${title} is refused with a sentence`, async (t) => {
    const file = await settingsFile(t, text);
    await t.throwsAsync(() => read(['--config', file]), { message, name: 'Failure' });
  });
}

test('options: so many of one kind that copying them each time would take minutes', async (t) => {
  const words = Array.from({ length: 100_000 }, (_, at) => ['--file', `f-${at}`]).flat();
  t.is(readArguments('everything', everything, words).given.get('file')?.length, 100_000);
});

test('options: labels to look for are written as kubectl has them; none at all are refused', async (t) => {
  t.deepEqual((await read(['-l', 'role=edge,rack=12'])).selector, { rack: '12', role: 'edge' });
  for (const text of ['', ' ', ',', 'role', 'role=', '=edge', 'role=edge,', 'role=edge,role=core', 'role=a b'])
    await t.throwsAsync(read(['-l', text]), { message: /^--selector: / }, text);
  for (const text of ['', ' ', 'Web', 'a,b']) await t.throwsAsync(read(['--set', text]), { message: /^--set: / }, text);
});
