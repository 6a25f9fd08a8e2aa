import { didYouMean, nearest } from '../../protocol/near.ts';
import { OPTION_NAMES } from './options.ts';

/** Words of other tools, and what does here what they do there. */
type Words = Readonly<Record<string, string>>;

const COMMAND_WORDS: Words = {
  'shunt plan -f FILE': 'diff check preview dry-run dryrun validate lint verify test simulate',
  'shunt get NAME -o yaml > FILE, and then shunt apply -f FILE': 'edit modify vi',
  'shunt apply -f FILE': 'create add replace set patch update import load-file push sync run put insert new',
  'shunt rollout rollback ID, or shunt apply -f FILE': 'undo rollback revert',
  'shunt rollout start -f FILE': 'deploy release canary ship bluegreen promote rollouts ro',
  'shunt rollout abort ID': 'abort cancel',
  'shunt delete NAME': 'rm remove del destroy drop unset flush',
  'shunt get': 'list ls show redirect redirects rule rules route routes describe-all export view print cat',
  'shunt get NAME, or shunt explain NAME': 'describe inspect info desc detail details',
  'shunt explain NAME': 'why trace debug diagnose lookup exec',
  'shunt hosts': 'nodes node agents agent-list fleet host inventory cluster-info members ps',
  'shunt stats --host HOST': 'counters stat statistics metrics count usage',
  'shunt top': 'rates rate htop iftop nload traffic busiest pps',
  'shunt events --host HOST --follow': 'watch log logs tail monitor follow event history journal',
  'shunt status --host HOST': 'state health ping st',
  'shunt dump --host HOST': 'map maps entries table tables',
  'shunt bypass on': 'cordon drain pause suspend maintenance panic',
  'shunt bypass off': 'uncordon undrain resume unpause',
  'shunt doctor': 'troubleshoot selftest self-test fix repair',
  'shunt attach --interface IF': 'load up install enable link init net prog',
  'shunt detach': 'unload down uninstall disable unlink stop kill',
  'shunt agent or shunt controller': 'start restart serve server daemon service',
  'shunt --version': 'version ver',
  'shunt --help': 'man usage commands config settings',
  'shunt context list': 'contexts ctx profile profiles cluster clusters get-contexts',
  'shunt context use NAME': 'use switch use-context login connect',
  'shunt get --set NAME': 'set-list sets groups group',
  'shunt completion bash': 'completions autocomplete',
};

/** By option of another tool: the option here that means it, where a command has that; else the sentence. */
const OPTION_WORDS: Words = {
  '--file': '--filename --from-file --input --in',
  '--interface': '-i --iface --dev --device --if --nic',
  '--host': '--node --hostname --on --agent -H',
  '--label': '-l --selector --labels --tag',
  '--selector': '--label --labels --tag',
  '--nats': '--server --servers -s --url --address --broker --bus',
  '--creds': '--credentials --auth',
  '--output': '--format',
  '--output json': '--json -j',
  '--last': '--limit --tail -n --lines --count --since',
  '--follow': '-w --watch --tail-follow --stream -f',
  '--log-level debug': '-v --verbose -d --debug -vv',
  '--log-level error': '-q --quiet --silent',
  '--delete': '--remove --rm --prune --destroy',
  '--state': '--state-dir --data --data-dir',
  '--db': '--database --store',
  '--yes': '--force --assume-yes --auto-approve --no-input --confirm -auto-approve',
  '--wait': '-w --watch --for --until --follow',
  '--level': '--for --until --wait',
  '--watch': '--follow --stream -F',
  '--recursive': '-r',
  '--context': '--profile --cluster --kube-context -c',
  '--timeout': '--wait --request-timeout -t',
};

const OPTION_SENTENCES: Words = {
  'shunt plan -f FILE shows what an apply would do':
    '--dry-run --dryrun --diff --check --noop --what-if --simulate --plan',
  'it goes on by itself; --once shows it once': '-w --watch --follow -F --stream --tail',
  'shunt get -w follows redirects, and shunt events --host HOST --follow a host':
    '-w --watch --follow -F --stream --tail',
  'nothing is forced: --yes is for what --prune deletes, --allow-shrink for what the size gate refuses': '--force',
  'nobody is asked, so it is not needed': '--force --yes -y --assume-yes --no-input --confirm --interactive',
  'redirects have no namespaces': '--namespace --all-namespaces -A -n',
  'a redirect selects hosts by `hosts:`, see shunt hosts': '-l --selector --label --labels --host --node',
  'shunt status --host HOST shows one host, and shunt hosts all of them': '--host --node',
  'shunt delete takes the names of redirects (see shunt get), or -f FILE, --set NAME or -l LABELS':
    '-f --file --all --filename --name',
  'shunt --version shows the version': '--version -V',
  'tables have a header; -o json is for programs': '--no-headers --no-header --plain --raw -q --quiet',
  'errors say all there is; the programs take --log-level': '-v --verbose -d --debug --trace',
};

/** Commands of commands, by what other tools call the same. */
const VERB_WORDS: Words = {
  list: 'ls get all get-contexts log',
  use: 'set switch select use-context',
  show: 'view current describe get current-context',
  forget: 'delete remove rm purge drop',
  recover: 'restore reset repair',
  start: 'run begin create new apply deploy set',
  status: 'show describe get view inspect explain info',
  watch: 'follow tail logs monitor attach',
  pause: 'hold suspend stop halt freeze',
  resume: 'continue unpause proceed go',
  abort: 'cancel terminate kill delete rm back',
  rollback: 'restore',
  exclude: 'skip ignore without drop',
  verdict: 'judge approve reject pass fail report',
};

/** Sentences on words that are no verb of a command, and of which none does the same. */
const VERB_SENTENCES: Readonly<Record<string, Words>> = {
  context: {
    'contexts are written by hand into ~/.config/shunt/shunt.yaml, such as `contexts: { lab: { nats: nats://127.0.0.1:4222 } }`':
      'add create new rm remove delete del edit rename set-context delete-context add-context',
  },
  rollout: {
    'shunt rollout abort ID takes one back that has not ended, and shunt rollout rollback ID undoes one that is DONE':
      'undo revert',
    'shunt rollout list has all of them, and shunt history NAME what became of one redirect': 'history',
    'nothing is restarted here: shunt rollout start -f FILE begins one': 'restart',
    'one that was rolled back is begun anew: shunt rollout start -f FILE --again': 'retry',
    'waves follow by themselves; shunt rollout resume ID goes on with one that is paused, with --skip-gate past a gate':
      'promote',
  },
};

/** What to do where a word is of no verb, and no other does the same; or undefined. */
export function verbAdvice(command: string, word: string): string | undefined {
  return findAll(VERB_SENTENCES[command] ?? {}, word.toLowerCase())[0];
}

/** The verb that was probably meant by another word; or undefined. */
export function meantVerb(word: string, verbs: readonly string[]): string | undefined {
  return findAll(VERB_WORDS, word.toLowerCase()).find((verb) => verbs.includes(verb)) ?? nearest(word, verbs);
}

/** What does here what a command of another tool does; or undefined. */
export function meantCommand(word: string, commands: readonly string[]): string | undefined {
  const near = nearest(word, ['help', ...commands]);
  return find(COMMAND_WORDS, word.toLowerCase()) ?? near;
}

/** Advice on an option that a command does not have. */
export function optionAdvice(command: string, raw: string, names: readonly string[]): string {
  const ofRollouts = rolloutAdvice(command, raw);
  if (ofRollouts !== undefined) return ofRollouts;
  const options = ['--help', ...names.map((name) => `--${name}`)];
  const has = (option: string): boolean => options.includes(option.split(' ')[0] ?? '');
  const word = raw.length > 2 ? raw.toLowerCase() : raw;
  const near = nearest(raw, [...options, ...OPTION_NAMES.map((name) => `--${name}`)]);
  const same = findAll(OPTION_WORDS, word).find(has) ?? near;
  const forced = command === 'apply' && word === '--force';
  if (same !== undefined && has(same) && !forced) return didYouMean(same);
  const known = findAll(OPTION_WORDS, word).length > 0;
  const sentence = findAll(OPTION_SENTENCES, known ? word : (near ?? word)).find((text) => fits(text, command));
  return sentence ?? 'see --help';
}

/** What does here what options of rollouts do elsewhere; or undefined. */
function rolloutAdvice(command: string, raw: string): string | undefined {
  if (!command.startsWith('rollout ')) return undefined;
  if (command === 'rollout exclude' && ['--host', '--hosts', '--node'].includes(raw))
    return 'hosts stand behind the id';
  const follows = ['-w', '--watch', '--wait', '--follow', '-F', '--until', '--for'].includes(raw);
  if (!follows || command === 'rollout pause' || command === 'rollout start') return undefined;
  return command === 'rollout watch'
    ? 'it goes on by itself until the end'
    : 'shunt rollout watch ID follows it to the end';
}

/** Advice to call a command is none to who calls it. */
function fits(sentence: string, command: string): boolean {
  if (sentence.startsWith('it goes on')) return command === 'top';
  if (sentence.startsWith('nothing is forced')) return command === 'apply';
  if (sentence.startsWith('shunt delete')) return command === 'delete';
  if (sentence.startsWith('a redirect selects')) return ['apply', 'plan', 'get', 'delete'].includes(command);
  if (sentence.startsWith('shunt status')) return command === 'hosts';
  if (sentence.startsWith('tables')) return ['get', 'hosts', 'dump', 'plan', 'events'].includes(command);
  return !sentence.startsWith(`shunt ${command} `);
}

function find(words: Words, word: string): string | undefined {
  return findAll(words, word)[0];
}

function findAll(words: Words, word: string): readonly string[] {
  return Object.entries(words).flatMap(([meant, those]) => (those.split(' ').includes(word) ? [meant] : []));
}
