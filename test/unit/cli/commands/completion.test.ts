import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { COMMANDS } from '../../../../cli/commands.ts';
import { ASKED } from '../../../../cli/line/option.ts';
import { shunt } from '../session.ts';

const { stdout: SCRIPT } = await shunt(['completion', 'bash']);

/** What bash offers for the last word, with the script loaded; what it asks is echoed, or, after 'nobody', not answered. */
function offered(...words: readonly string[]): string[] {
  const silent = words[0] === 'nobody';
  const script = `${SCRIPT}
shunt() { ${silent ? 'false' : 'echo "$*"'}; }
compopt() { COMPREPLY+=("compopt $*"); }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shunt
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync(
    'bash',
    ['--norc', '-euc', script, 'bash', 'shunt', ...words.slice(silent ? 1 : 0)],
    {
      encoding: 'utf8',
    },
  );
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

test('completion: bash completes verbs, and what is theirs alone', (t) => {
  t.deepEqual(offered('hosts', 'f'), ['forget']);
  t.deepEqual(offered('hosts', '--fo'), []);
  t.deepEqual(offered('hosts', 'forget', '--fo'), ['--force']);
  t.deepEqual(offered('hosts', '--timeout', '5s', 'forget', '--fo'), ['--force']);
  t.deepEqual(offered('controller', '--db', ''), ['compopt -o default']);
  t.deepEqual(
    offered('context', '').filter((word) => !word.startsWith('-')),
    ['list', 'use', 'show'],
  );
});

test('completion: bash completes a value behind an equals sign, which it takes for a word', (t) => {
  t.deepEqual(offered('hosts', '--output', '=', 'j'), ['json']);
  t.deepEqual(offered('hosts', '--output', '='), ['json', 'table']);
});

test('completion: bash asks for names, with the line as it stands, and falls back on options', (t) => {
  const asking = (...words: readonly string[]) => offered(...words)[0];
  t.is(asking('get', 'dr'), '__complete redirects dr get');
  t.is(asking('get', '--context', 'lab', 'dr'), '__complete redirects dr get --context lab');
  t.is(asking('delete', '--set', ''), '__complete sets  delete --set');
  t.is(asking('status', '--host', 'e'), '__complete hosts e status --host');
  t.is(asking('get', '--context', ''), '__complete contexts  get --context');
  t.is(asking('hosts', 'forget', 'e'), '__complete hosts e hosts forget');
  t.is(asking('context', 'use', ''), '__complete contexts  context use');
  t.is(asking('rollout', 'watch', '5c'), '__complete rollouts 5c rollout watch');
  t.is(asking('rollout', 'verdict', '5c1d', 'p'), '__complete rollouts p rollout verdict 5c1d');
  t.deepEqual(offered('rearm', '--he'), ['--help']);
  t.true(offered('nobody', 'get', '').includes('--help'));
});

test('completion: bash completes values that are a few words, and files', (t) => {
  t.deepEqual(offered('hosts', '-o', ''), ['json', 'table']);
  t.deepEqual(offered('get', '-o', ''), ['json', 'table', 'yaml', 'wide', 'name']);
  t.deepEqual(offered('attach', '--mode', 'n'), ['native']);
  t.deepEqual(offered('agent', '--log-level', ''), ['debug', 'info', 'warn', 'error']);
  t.deepEqual(offered('bypass', 'o'), ['on', 'off']);
  t.deepEqual(offered('completion', 'z'), ['zsh']);
  t.deepEqual(offered('apply', '-f', ''), ['compopt -o default']);
  t.deepEqual(offered('apply', 'dr'), ['compopt -o default']);
  t.deepEqual(offered('apply', '--pru'), ['--prune']);
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

test('completion: zsh and fish ask for names, too', async (t) => {
  for (const shell of ['zsh', 'fish']) {
    const { stdout } = await shunt(['completion', shell]);
    for (const kind of ASKED) t.regex(stdout, new RegExp(`shunt_ask ${kind}`), `${shell}: ${kind}`);
    t.regex(stdout, /forget.*--force|forget.* -l force/s);
  }
});

test('__complete: without a bus, contexts alone are told, and nothing is said of it', async (t) => {
  const HOME = mkdtempSync(join(tmpdir(), 'shunt-home-'));
  t.teardown(() => rmSync(HOME, { recursive: true }));
  mkdirSync(join(HOME, '.config/shunt'), { recursive: true });
  writeFileSync(join(HOME, '.config/shunt/shunt.yaml'), 'contexts: { lab: {}, land: {}, prod: {} }\n', { mode: 0o600 });
  const env = { HOME, SHUNT_NATS: 'nats://127.0.0.1:1' };
  const ask = (...words: readonly string[]) => shunt(['__complete', ...words], { env });
  t.deepEqual(await ask('contexts', 'la', 'get', '--context'), { exit: 0, stdout: 'lab\nland\n', stderr: '' });
  for (const kind of ['redirects', 'hosts', 'sets', 'nosuch', ''])
    t.deepEqual(await ask(kind, '', 'get', '--frob', '--nats'), { exit: 0, stdout: '', stderr: '' }, kind);
  t.deepEqual(await shunt(['__complete']), { exit: 0, stdout: '', stderr: '' });
});
