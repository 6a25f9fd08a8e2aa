import test from 'ava';
import { COMMANDS } from '../../../../cli/commands.ts';
import { shunt } from '../session.ts';

const COMMAND_HINTS: Readonly<Record<string, string>> = {
  diff: 'shunt plan -f FILE',
  validate: 'shunt plan -f FILE',
  describe: 'shunt get NAME, or shunt explain NAME?',
  version: 'shunt --version',
  list: 'shunt get',
  ls: 'shunt get',
  show: 'shunt get',
  rm: 'shunt delete NAME',
  create: 'shunt apply -f FILE',
  edit: 'shunt get NAME -o yaml > FILE, and then shunt apply -f FILE',
  logs: 'shunt events --host HOST --follow',
  Watch: 'shunt events --host HOST --follow',
  statistics: 'shunt stats --host HOST',
  iftop: 'shunt top',
  nodes: 'shunt hosts',
  start: 'shunt agent or shunt controller',
  unload: 'shunt detach',
  staus: 'status',
  ps: 'shunt hosts',
  restart: 'shunt agent or shunt controller',
  stop: 'shunt detach',
  exec: 'shunt explain NAME?',
  canary: 'shunt rollout start -f FILE',
  undo: 'shunt rollout rollback ID, or shunt apply -f FILE',
  config: 'shunt --help',
  route: 'shunt get',
  rule: 'shunt get',
  prog: 'shunt attach',
  map: 'shunt dump',
  cordon: 'shunt bypass on',
  drain: 'shunt bypass on',
  net: 'shunt attach',
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
  ['delete a --force', 'did you mean --yes?'],
  ['rearm a --force', 'nobody is asked'],
  ['delete --set web --auto-approve', 'did you mean --yes?'],
  ['get --follow', 'did you mean --watch?'],
  ['apply -r -f x', 'did you mean --recursive?'],
  ['get --label role=edge', 'did you mean --selector?'],
  ['rollout status 5c1d -w', 'shunt rollout watch ID follows it to the end'],
  ['rollout abort 5c1d --wait', 'shunt rollout watch ID follows it to the end'],
  ['rollout watch 5c1d --follow', 'it goes on by itself until the end'],
  ['rollout exclude 5c1d --host edge-7', 'hosts stand behind the id'],
  ['get --profile lab', 'did you mean --context?'],
  ['delete --filename x', 'did you mean --file?'],
  ['delete --all', 'shunt delete takes the names of redirects (see shunt get), or -f FILE, --set NAME or -l LABELS'],
  ['apply -f x --force', 'nothing is forced: --yes is for what --prune deletes, --allow-shrink for what the size gate'],
  ['apply -f x -w', 'did you mean --wait?'],
  ['delete a --watch', 'did you mean --wait?'],
  ['wait --for=stored', 'did you mean --level?'],
  ['apply -f x --for stored', 'did you mean --wait?'],
  ['hosts -w', 'shunt get -w follows redirects, and shunt events --host HOST --follow a host'],
  ['top -w', 'it goes on by itself; --once shows it once'],
  ['plan -f x -out=y', 'unknown option -out; did you mean --out?'],
  ['get -output json', 'unknown option -output; did you mean --output?'],
  ['apply -file x', 'unknown option -file; did you mean --file?'],
  ['hosts --watch', 'shunt events --host HOST --follow'],
  ['events --host b -w', 'did you mean --follow?'],
  ['events --host b --tail 5', 'did you mean --last?'],
  ['get --json', 'did you mean --output json?'],
  ['get -A', 'redirects have no namespaces'],
  ['get --version', 'shunt --version shows the version'],
  ['hosts --host b', 'shunt hosts all of them'],
  ['hosts --label role=edge', 'did you mean --selector?'],
  ['apply -f x --host b', 'a redirect selects hosts by'],
  ['status --node b', 'did you mean --host?'],
  ['get -s nats://127.0.0.1:1', 'did you mean --nats?'],
  ['attach -i eth0', 'did you mean --interface?'],
  ['agent --host b --debug', 'did you mean --log-level debug?'],
  ['get -v', 'errors say all there is'],
  ['get --frobnicate', 'see --help'],
  ['events --host b -f', 'did you mean --follow?'],
  ['events --host b --since 1h', 'did you mean --last?'],
  ['plan --destroy a', 'did you mean --delete?'],
  ['get -n prod', 'redirects have no namespaces'],
  ['get --no-headers', '-o json is for programs'],
  ['status --hots b', 'did you mean --host?'],
  ['hosts --hots b', 'shunt status --host HOST shows one host'],
  ['get --hots b', 'a redirect selects hosts by'],
];

for (const [line, hint] of OPTION_HINTS) {
  test(`neighbours: shunt ${line} is answered with what to write`, async (t) => {
    const { exit, stderr } = await shunt(line.split(' '));
    t.is(exit, 2);
    t.regex(stderr, /^shunt [a-z ]+: unknown option -.*\n$/);
    t.true(stderr.includes(hint), stderr);
  });
}

test('neighbours: no hint for a command that there is', async (t) => {
  for (const name of Object.keys(COMMANDS)) t.notRegex((await shunt([name, '--help'])).stderr, /did you mean/);
});

const SENTENCES: readonly [line: string, hint: string][] = [
  ['-v', 'shunt: unknown option -v; did you mean --version?'],
  ['-V', 'shunt: unknown option -V; did you mean --version?'],
  ['--host edge-1 status', 'shunt: --host comes before the command; write shunt status --host HOST'],
  ['--host=edge-1 status', 'shunt: --host comes before the command; write shunt status --host HOST'],
  ['-o json get', 'shunt: -o comes before the command; write shunt get -o FORMAT'],
  ['--follow events', 'shunt: --follow comes before the command; write shunt events --follow'],
  [
    '--password secret get',
    'shunt: --password: whoever lists processes would see a secret that stands here; set SHUNT_PASSWORD, or write it into a file and name that with --password-file',
  ],
  ['--nats x', 'shunt: --nats comes before the command; write shunt COMMAND --nats URL, and see shunt --help'],
  ['--frob get', 'shunt: unknown option --frob; the command comes first, see shunt get --help'],
  ['--frob', 'shunt: unknown option --frob; the command comes first, see shunt --help'],
  ['help apply extra', 'shunt: unexpected argument "extra"; help is of one command: shunt help apply'],
  ['--version extra', 'shunt: unexpected argument "extra"; --version is of shunt as a whole'],
  ['events --all --host edge-1', 'shunt events: --all is every host, and --host is one: leave one of them out'],
  ['events --all --last 100', 'shunt events: --last is of one host: name it with --host, and leave --all out'],
  ['explain edge-1 web', 'shunt explain: expected one NAME or KEY; did you mean --host edge-1 web?'],
  ['explain v4 udp', 'shunt explain: expected one NAME or KEY, not 2; put a key into single quotes'],
];

for (const [line, sentence] of SENTENCES) {
  test(`neighbours: shunt ${line} is answered with one sentence`, async (t) => {
    t.deepEqual(await shunt(line.split(' ')), { exit: 2, stdout: '', stderr: `${sentence}\n` });
  });
}

test('neighbours: help of help is that of shunt', async (t) => {
  t.deepEqual(await shunt(['help', 'help']), await shunt(['--help']));
  t.deepEqual(await shunt(['help', 'apply', '--help']), await shunt(['apply', '--help']));
  t.regex((await shunt(['--help'])).stdout, /5 the disk\nfailed under the agent/);
});

test('neighbours: of --host for every host only what stands on the command line contradicts', async (t) => {
  const { exit } = await shunt(['events', '--all', '--nats', 'nats://127.0.0.1:1'], { env: { SHUNT_HOST: 'edge-1' } });
  t.is(exit, 4);
});
