import { spawnSync } from 'node:child_process';
import test from 'ava';
import { COMMANDS } from '../../../../cli/commands.ts';
import { shunt } from '../session.ts';

const { stdout: SCRIPT } = await shunt(['completion', 'bash']);

/** What bash offers for the last word, with the script loaded. */
function offered(...words: readonly string[]): string[] {
  const script = `${SCRIPT}
compopt() { COMPREPLY+=("compopt $*"); }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shunt
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-euc', script, 'bash', 'shunt', ...words], {
    encoding: 'utf8',
  });
  if (status !== 0 || stderr !== '') throw new Error(`bash ended with ${status}: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}

test('completion: bash completes commands', (t) => {
  t.deepEqual(offered('').sort(), ['--version', 'help', ...Object.keys(COMMANDS)].sort());
  t.deepEqual(offered('de'), ['delete', 'detach']);
  t.deepEqual(offered('help', 'pl'), ['plan']);
});

test('completion: bash completes the options of a command, and no others', (t) => {
  t.deepEqual(offered('plan', '--de'), ['--delete']);
  t.deepEqual(offered('get', '--de'), []);
  t.deepEqual(offered('events', '--fo'), ['--follow']);
  for (const name of Object.keys(COMMANDS)) t.true(offered(name, '--').includes('--help'), name);
});

test('completion: bash completes values that are a few words, and files', (t) => {
  t.deepEqual(offered('get', '-o', ''), ['json', 'table']);
  t.deepEqual(offered('attach', '--mode', 'n'), ['native']);
  t.deepEqual(offered('agent', '--log-level', ''), ['debug', 'info', 'warn', 'error']);
  t.deepEqual(offered('bypass', 'o'), ['on', 'off']);
  t.deepEqual(offered('completion', 'z'), ['zsh']);
  t.deepEqual(offered('apply', '-f', ''), ['compopt -o default']);
  t.deepEqual(offered('status', '--host', ''), []);
});

for (const shell of ['zsh', 'fish']) {
  test(`completion: ${shell} knows every command, and its script is sound`, async (t) => {
    const { exit, stdout } = await shunt(['completion', shell]);
    t.is(exit, 0);
    for (const name of Object.keys(COMMANDS)) t.regex(stdout, new RegExp(`\\b${name}\\b`));
    t.regex(stdout, /json table/);
    const { error, status, stderr } = spawnSync(shell, ['-n', '/dev/stdin'], { input: stdout, encoding: 'utf8' });
    if (error === undefined) t.is(status, 0, stderr);
    else t.log(`${shell} is not here: its script was not read by it`);
  });
}
