import test from 'ava';
import { COMMANDS } from '../../../../cli/commands.ts';
import { shunt } from '../session.ts';

const COMMAND_HINTS: Readonly<Record<string, string>> = {
  diff: 'shunt plan -f FILE',
  validate: 'shunt plan -f FILE',
  describe: 'shunt explain --host HOST NAME',
  version: 'shunt --version',
  list: 'shunt get',
  ls: 'shunt get',
  show: 'shunt get',
  rm: 'shunt delete NAME',
  create: 'shunt apply -f FILE',
  edit: 'shunt apply -f FILE',
  logs: 'shunt events --host HOST --follow',
  Watch: 'shunt events --host HOST --follow',
  top: 'shunt stats --host HOST',
  nodes: 'shunt hosts',
  start: 'shunt agent or shunt controller',
  unload: 'shunt detach',
  staus: 'status',
};

for (const [word, hint] of Object.entries(COMMAND_HINTS)) {
  test(`neighbours: shunt ${word} is answered with ${hint}`, async (t) => {
    const { exit, stderr } = await shunt([word]);
    t.is(exit, 2);
    t.regex(stderr, /^shunt: unknown command "\w+"; did you mean .*\?\n$/);
    t.true(stderr.includes(hint), stderr);
  });
}

const OPTION_HINTS: readonly [line: string, hint: string][] = [
  ['apply -f x --dry-run', 'shunt plan -f FILE shows what an apply would do'],
  ['apply -f x --dry-run=server', 'shunt plan -f FILE shows what an apply would do'],
  ['apply -f x --diff', 'shunt plan -f FILE shows what an apply would do'],
  ['apply --filename x', 'did you mean --file?'],
  ['delete a --dry-run', 'shunt plan -f FILE shows what an apply would do'],
  ['delete a --force', 'nobody is asked'],
  ['delete -f x', 'shunt delete takes the names of redirects'],
  ['get -w', 'shunt events --host HOST --follow'],
  ['hosts --watch', 'shunt events --host HOST --follow'],
  ['events --host b -w', 'did you mean --follow?'],
  ['events --host b --tail 5', 'did you mean --last?'],
  ['get --json', 'did you mean --output json?'],
  ['get -A', 'redirects have no namespaces'],
  ['get --version', 'shunt --version shows the version'],
  ['hosts -l role=edge', 'shunt hosts all of them'],
  ['apply -f x --host b', 'a redirect selects hosts by'],
  ['status --node b', 'did you mean --host?'],
  ['get -s nats://127.0.0.1:1', 'did you mean --nats?'],
  ['attach -i eth0', 'did you mean --interface?'],
  ['agent --host b --debug', 'did you mean --log-level debug?'],
  ['get -v', 'errors say all there is'],
  ['get --frobnicate', 'see --help'],
];

for (const [line, hint] of OPTION_HINTS) {
  test(`neighbours: shunt ${line} is answered with what to write`, async (t) => {
    const { exit, stderr } = await shunt(line.split(' '));
    t.is(exit, 2);
    t.regex(stderr, /^shunt \w+: unknown option -.*\n$/);
    t.true(stderr.includes(hint), stderr);
  });
}

test('neighbours: no hint for a command that there is', async (t) => {
  for (const name of Object.keys(COMMANDS)) t.notRegex((await shunt([name, '--help'])).stderr, /did you mean/);
});
