import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { run } from '../support/process.ts';

const ROOT = join(import.meta.dirname, '../..');
const DEV = join(ROOT, 'dev');
const COMMANDS = [
  'setup',
  'build',
  'test',
  'faults',
  'race',
  'kills',
  'fuzz',
  'sim',
  'check',
  'demo',
  'up',
  'bench',
  'shunt',
] as const;
/** The programs behind commands, which can be called without. */
const PROGRAMS: Readonly<Record<string, string>> = {
  test: 'test/support/run.ts',
  faults: 'test/faults/main.ts',
  race: 'test/kernel/race.ts',
  kills: 'test/e2e/kills.ts',
  'fuzz packets': 'test/fuzz/packets.ts',
  sim: 'test/sim/main.ts',
  demo: 'demo/main.ts',
  up: 'demo/cluster/up.ts',
  'bench bulk': 'bench/bulk.ts',
  'bench delivery': 'bench/delivery.ts',
  'bench fleet': 'bench/fleet.ts',
  'bench idle': 'bench/idle.ts',
};

const program = (name: string, ...words: readonly string[]) =>
  run([process.execPath, join(ROOT, PROGRAMS[name] ?? ''), ...words]);

test('dev: every command says how it is used, and does nothing then', async (t) => {
  const { stdout: all } = await run([DEV, '--help']);
  t.deepEqual(
    [...all.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name),
    [...COMMANDS],
  );
  for (const name of [...COMMANDS, 'fuzz packets', 'bench bulk', 'bench delivery', 'bench fleet', 'bench idle']) {
    const asked = [
      await run([DEV, 'help', ...name.split(' ')]),
      ...(name === 'shunt' ? [] : [await run([DEV, ...name.split(' '), '--help'])]),
    ];
    for (const { status, stdout, stderr } of asked) {
      t.deepEqual([status, stderr], [0, ''], name);
      t.true(stdout.startsWith(`Usage: ./dev ${name}`), name);
      for (const line of stdout.split('\n')) t.true(line.length <= 120, line);
    }
  }
});

test('dev: the programs behind it read their words alike, and answer with the same page', async (t) => {
  for (const [name, file] of Object.entries(PROGRAMS))
    t.true(readFileSync(join(ROOT, file), 'utf8').includes(`'${name}'`), name);
  t.deepEqual(await program('up', '-h'), await run([DEV, 'help', 'up']));
});

test('dev: what its programs do not understand is told in a sentence, with the status 2', async (t) => {
  const calls = [
    ['sim', ['--sedes', '1'], 'there is no option --sedes; see ./dev sim --help'],
    ['sim', ['--mutants', 'no-such-bug'], '"no-such-bug" is not a planted bug'],
    ['fuzz packets', ['all'], '"all" is not expected'],
    ['up', ['--hosts'], '--hosts: expected a number from 1 to 99'],
  ] as const;
  for (const [name, words, said] of calls)
    t.deepEqual(await program(name, ...words), { status: 2, stdout: '', stderr: `./dev ${name}: ${said}\n` });
});

test('dev: wrong uses of the commands without a program have the status 2, too', async (t) => {
  const calls = [
    ['setup', 'all'],
    ['build', 'all'],
    ['check', '--wirte'],
    ['bench'],
    ['bench', 'all'],
    ['fuzz'],
    ['fuzz', 'all'],
    ['help', 'all'],
  ];
  for (const words of [...calls, ['demo', 'now'], ['stat', '--help']]) {
    const { status, stderr } = await run([DEV, ...words]);
    t.is(status, 2, words.join(' '));
    t.regex(stderr, /^\.\/dev: [a-z]/);
  }
});

test('dev: what cannot be written ends a program in a sentence', async (t) => {
  const full = (argv: readonly string[], to = '>/dev/full') => run(['sh', '-c', `exec "$@" ${to}`, 'sh', ...argv]);
  const shunt = [process.execPath, join(ROOT, 'cli/shunt.js')];
  for (const words of [['--help'], ['completion', 'bash']]) {
    const { status, stderr } = await full([...shunt, ...words]);
    t.deepEqual([status, stderr], [1, 'shunt: write to standard output: ENOSPC; what was printed is not whole\n']);
  }
  t.deepEqual(await full([...shunt, 'nonsense'], '2>/dev/full'), { status: 1, stdout: '', stderr: '' });
  const sim = await full([process.execPath, join(ROOT, PROGRAMS.sim ?? ''), '--seeds', '1', '--brief']);
  t.deepEqual(sim, {
    status: 1,
    stdout: '',
    stderr: './dev sim: write to standard output: ENOSPC; what was printed is not whole\n',
  });
  const pipe = await run(['sh', '-c', 'set -e; "$@" | true', 'sh', ...shunt, '--help']);
  t.deepEqual(pipe, { status: 0, stdout: '', stderr: '' });
});
