import test from 'ava';
import { type AnyCommand, type Commands, command } from '../../../../cli/line/command.ts';
import { findCalled, namesOf, noSuchVerb } from '../../../../cli/line/verbs.ts';
import { shunt } from '../session.ts';

const load = async (): Promise<AnyCommand> =>
  command({ synopsis: 'NAME', about: 'Does.', examples: [], options: [], run: async () => 0 });

const COMMANDS: Commands = {
  get: { summary: 'get', load },
  hosts: {
    summary: 'hosts',
    load,
    verbs: {
      forget: { summary: 'forget', load, verbs: { all: { summary: 'all', load } } },
      list: { summary: '', load },
    },
  },
};

const CALLS: readonly (readonly [words: string, name: string, left: string])[] = [
  ['get forget', 'get', 'forget'],
  ['hosts', 'hosts', ''],
  ['hosts edge-1 forget', 'hosts', 'edge-1 forget'],
  ['hosts forget edge-1', 'hosts forget', 'edge-1'],
  ['hosts --nats nats://x -o json forget edge-1', 'hosts forget', '--nats nats://x -o json edge-1'],
  ['hosts --nats=forget forget', 'hosts forget', '--nats=forget'],
  ['hosts --host forget', 'hosts', '--host forget'],
  ['hosts --force forget -h', 'hosts forget', '--force -h'],
  ['hosts forget all x', 'hosts forget all', 'x'],
  ['hosts forget forget', 'hosts forget', 'forget'],
  ['hosts toString', 'hosts', 'toString'],
];

for (const [line, name, left] of CALLS) {
  test(`verbs: shunt ${line} is of ${name}`, async (t) => {
    const called = await findCalled(line.split(' '), COMMANDS);
    t.is(called.name, name);
    t.not(called.entry, undefined);
    t.is(called.words.join(' '), left);
  });
}

test('verbs: a command that is not there has no entry, whatever objects have', async (t) => {
  for (const word of ['nosuch', 'constructor', '']) {
    const { entry, name } = await findCalled([word, 'forget'], COMMANDS);
    t.is(entry, undefined, word);
    t.is(name, word);
  }
  t.is((await findCalled([], COMMANDS)).entry, undefined);
});

test('verbs: every command is named with its verbs', (t) => {
  t.deepEqual(namesOf(COMMANDS), ['get', 'hosts', 'hosts forget', 'hosts forget all', 'hosts list']);
});

test('verbs: a word that is none of them is told what may follow, and what was meant', async (t) => {
  const { verbs = {} } = COMMANDS.hosts ?? {};
  const near = await noSuchVerb('hosts', 'forgt', verbs);
  t.is(
    near.message,
    'unexpected argument "forgt": what follows is forget NAME, or list NAME; did you mean shunt hosts forget?',
  );
  t.regex((await noSuchVerb('hosts', 'edge-7', verbs)).message, /see shunt hosts --help$/);
});

test('verbs: what other tools call them is understood', async (t) => {
  for (const [line, meant] of [
    ['context ls', 'shunt context list'],
    ['context set lab', 'shunt context use'],
    ['context use-context lab', 'shunt context use'],
    ['context current', 'shunt context show'],
    ['hosts rm edge-9', 'shunt hosts forget'],
    ['ctx', 'shunt context list'],
    ['use lab', 'shunt context use NAME'],
  ] as const) {
    const { exit, stderr } = await shunt(line.split(' '));
    t.is(exit, 2, line);
    t.true(stderr.endsWith(`did you mean ${meant}?\n`), stderr);
  }
});

test('verbs: how a context is made or goes is said, and what does what others call otherwise', async (t) => {
  for (const word of ['add', 'rm', 'create'])
    t.regex(
      (await shunt(['context', word, 'lab'])).stderr,
      /; contexts are written by hand into ~\/\.config\/shunt\/shunt\.yaml, such as/,
    );
  t.regex((await shunt(['context', 'ls'])).stderr, /did you mean shunt context list\?/);
  t.regex((await shunt(['context', 'current'])).stderr, /did you mean shunt context show\?/);
});
