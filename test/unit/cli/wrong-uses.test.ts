import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { COMMANDS } from '../../../cli/commands.ts';
import { namesOf } from '../../../cli/line/verbs.ts';
import { matchesGoldens } from './golden.ts';
import { shunt } from './session.ts';

const NOBODY = 'nats://127.0.0.1:1';
const KEY = 'v4 udp 198.51.100.0/24:* > 203.0.113.10/32:443';
/** Stands for a settings file that a test makes. */
const UNKNOWN_SETTING = 'UNKNOWN-SETTING.yaml';
/** A file that is not what is wrong. */
const ONE = 'redirects: [{ name: a, hosts: all, match: { dst: 203.0.113.10 }, to: drop }]\n';
const SETTINGS = 'natz: nats://127.0.0.1:1\n';

/** What people get wrong with each command, and what a command of another name takes. */
const WRONG: Readonly<Record<string, readonly string[]>> = {
  apply: [
    '',
    'redirects.yaml',
    '-f',
    '-f /nonexistent/x.yaml',
    '-f /proc/sys',
    '-f - -f -',
    '-f x.yaml --host edge-7',
    '--flie x.yaml',
    `-f - --nats ${NOBODY}`,
    '-f x.yaml -o yaml',
  ],
  plan: [
    '',
    'redirects.yaml',
    '-f /nonexistent/x.yaml',
    '-f - -f -',
    '--delete',
    '--delete Web',
    '--delete a b',
    '--delte a',
    '--delete a --check',
    `--delete a --nats ${NOBODY}`,
  ],
  delete: [
    '',
    'Web',
    'a,b',
    '-f redirects.yaml',
    '--all',
    '--set=',
    '-l role',
    'a --timeout',
    `${Array.from({ length: 3 }, (_, at) => `r-${at}`).join(' ')} R-3`,
    `a --nats ${NOBODY}`,
  ],
  resync: [
    'edge-1',
    '--host',
    '--host Edge_1',
    '--all',
    '--host edge-1 --force',
    '--hots edge-1',
    '--host edge-1 --timeout 0',
    '--host edge-1 --timeout',
    '--host edge-1 -o yaml',
    `--host edge-1 --nats ${NOBODY}`,
  ],
  wait: [
    '',
    '7f3a 8b2c',
    'web/1',
    '7f3a --level',
    '7f3a --level done',
    '7f3a --wait',
    '7f3a --timeout 0',
    '7f3a --timeot 5s',
    '7f3a -o yaml',
    `7f3a --nats ${NOBODY}`,
  ],
  history: [
    'Web',
    'a b',
    'a,b',
    '--last',
    '--last all',
    '--last -1',
    '--name a',
    'a --limit 5',
    'a -o yaml',
    `a --nats ${NOBODY}`,
  ],
  rearm: [
    '',
    'Web',
    'a,b',
    'a --host edge-1',
    '--all',
    '--name a',
    'a --timeout 0',
    'a --timeout',
    'a R-3',
    `a --nats ${NOBODY}`,
  ],
  get: [
    'a b --set web',
    'Web',
    '--name web',
    '--nats',
    '--nats http://127.0.0.1:4222',
    '--nats nats://me:secret@bus.example',
    '--creds /nonexistent/x.creds',
    '-o xml',
    '--root-subject Shunt.*',
    '--config /nonexistent/shunt.yaml',
  ],
  hosts: [
    'edge-7',
    '--host edge-7',
    '--label role=edge',
    '-o',
    '-ojson,table',
    '--timeout soon',
    '--timeout 11m',
    '--nats nats://',
    `--config ${UNKNOWN_SETTING}`,
    `--nats ${NOBODY}`,
  ],
  status: [
    'edge-7',
    '--host Edge.7',
    '--host edge_7',
    '--host edge.example.com',
    '--host --nats x',
    '--hots b',
    '-h7 b',
    '--host b --timeout 5',
    '--host b -o text',
    `--host b --nats ${NOBODY} -o json`,
  ],
  dump: [
    'edge-7',
    '--host',
    '--host EDGE',
    '--host b web',
    '--host b --limit 5',
    '--host b --json',
    '--host b --timeout 1h',
    '--host b --root-subject .',
    '--host b --creds /nonexistent/x.creds',
    `--host b --nats ${NOBODY}`,
  ],
  explain: [
    '--host b',
    '--host b Web',
    '--host b web dns',
    '--host b v4 udp 198.51.100.0/24:*',
    `--host B '${KEY}'`,
    "--host b 'v5 udp'",
    "--host b '10.0.0.0/8 > 10.0.0.1'",
    '--host b --key web',
    '--host b web -o xml',
    `--host b web --nats ${NOBODY}`,
  ],
  top: [
    'web',
    '--host',
    '--host EDGE',
    '--host b --by-host',
    '--sort fastest',
    '--filter=',
    '--filter Web',
    '--delay 1',
    '-n 5',
    `--once --nats ${NOBODY}`,
  ],
  stats: [
    'edge-7',
    '--host',
    '--host EDGE',
    '--host b web',
    '--host b --interface eth0',
    '--host b --json',
    '--host b --timeout 1h',
    '--host b -o csv',
    '--host b --creds /nonexistent/x.creds',
    `--host b --nats ${NOBODY}`,
  ],
  events: [
    'edge-7',
    '--host b --last',
    '--host b --last -5',
    '--host b --last many',
    '--host b --last 65537',
    '--host b --follow=yes',
    '--host b --folow',
    '--host b --since 1h',
    '--all --last 5',
    `--host b --follow --nats ${NOBODY}`,
  ],
  attach: [
    '',
    'eth0',
    '--interface',
    '--interface eth0 --owner nosuch-user',
    '--interface eth0 --owner a:b:c',
    '--interface eth0 --owner root:nosuch-group',
    '--interface eth0 --owner 4000000000',
    '--interface eth0 --mode fast',
    '--interface eth0 --max-redirects 0',
    '--interface eth0 --max-redirects 16k',
  ],
  detach: [
    'eth0',
    '--interface',
    '-i eth0',
    '--iface eth0',
    '--all',
    '--force',
    '--pin-root',
    '--pin-root=',
    '-o text',
    '--config /nonexistent/shunt.yaml',
  ],
  doctor: [
    'edge-7',
    '--fix',
    '--host Edge.7',
    '--state',
    '--state=',
    '--pin-root=',
    '--db x.db',
    '-o text',
    '--timeout 10ms',
    '--nats nats://bus.example:4222/x',
  ],
  bypass: [
    '',
    'yes',
    'ON',
    'on off',
    '--on',
    'on --host edge-7',
    'on --pin-root',
    'on --pin-root /nonexistent/bpf',
    'status -o text',
    'status --nats x',
  ],
  agent: [
    'start',
    '--host Edge.7',
    '--host b --label role',
    '--host b --label =edge',
    '--host b --label role=edge --label role=core',
    '--host b --label role=edge,core',
    '--host b --nats http://127.0.0.1:4222',
    '--host b --nats nats://me:secret@127.0.0.1:4222',
    '--host b --log-level loud',
    '--host b --state=',
  ],
  controller: [
    'start',
    'recover edge-7',
    '--host b',
    '--db',
    '--db=',
    '--db /nonexistent/controller.db',
    '--nats bus.example:port',
    '--root-subject Shunt',
    '--log-level verbose',
    '--state /var/lib/shunt',
  ],
  'hosts forget': [
    '',
    'Edge.7',
    'edge_7',
    'edge-7,edge-8',
    '--all',
    '--host edge-7',
    'edge-7 --froce',
    'edge-7 --force=yes',
    'edge-7 --timeout 0',
    `edge-7 --nats ${NOBODY}`,
  ],
  'controller recover': [
    'edge-7',
    'now',
    '--host edge-7',
    '--force',
    '--db x.db',
    '--log-level debug',
    '--nats',
    '--root-subject Shunt',
    '-o yaml',
    `--nats ${NOBODY}`,
  ],
  context: ['', 'lab', 'usr lab', 'ls', '--force', '-o json', '--context lab', 'set lab', 'get', '--nats x'],
  'context list': [
    'lab',
    '-o yaml',
    '-o',
    '--all',
    '--context lab',
    '--nats x',
    '--host b',
    '--config /nonexistent/shunt.yaml',
    `--config ${UNKNOWN_SETTING}`,
    '-l role=edge',
  ],
  'context use': [
    '',
    'lab',
    'lab prod',
    '--context lab',
    '-o',
    '-o text lab',
    'lab --nats x',
    'lab --force',
    'lab --config /nonexistent/shunt.yaml',
    `lab --config ${UNKNOWN_SETTING}`,
  ],
  'context show': [
    'lab',
    'lab prod',
    '--context lab',
    '-o',
    '-o yaml',
    '--nats x',
    '--all',
    '--host b',
    '--config /nonexistent/shunt.yaml',
    `--config ${UNKNOWN_SETTING}`,
  ],
  completion: [
    '',
    'tcsh',
    'Bash',
    'bash zsh',
    '--shell bash',
    '-o json bash',
    'bash > x --force',
    '/bin/bash',
    'bash --config /nonexistent/shunt.yaml',
    `bash --config ${UNKNOWN_SETTING}`,
  ],
};

/** Splits as a shell does, as far as these lines need it. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

test('wrong uses: there are ten of each command', (t) => {
  t.deepEqual(Object.keys(WRONG).sort(), [...namesOf(COMMANDS)].sort());
  for (const [name, lines] of Object.entries(WRONG)) t.is(lines.length, 10, name);
});

for (const [name, lines] of Object.entries(WRONG)) {
  test(`wrong uses: of ${name} each are one clear sentence`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'shunt-wrong-'));
    t.teardown(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, UNKNOWN_SETTING), SETTINGS);
    const sessions = await Promise.all(
      lines.map(async (line) => {
        const words = [...name.split(' '), ...wordsOf(line)];
        const given = words.map((word) => (word === UNKNOWN_SETTING ? join(folder, word) : word));
        const session = await shunt(given, { stdin: ONE });
        const stderr = session.stderr.replaceAll(`${folder}/`, '');
        return [words, { ...session, stderr }] as const;
      }),
    );
    for (const [words, { exit, stdout, stderr }] of sessions) {
      t.true([1, 2, 4].includes(exit), words.join(' '));
      t.is(stdout, '', words.join(' '));
      t.is(stderr.trim().split('\n').length, 1, words.join(' '));
    }
    await matchesGoldens(t, `wrong-${name.replaceAll(' ', '-')}`, sessions);
  });
}
