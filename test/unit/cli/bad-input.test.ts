import test from 'ava';
import { COMMANDS } from '../../../cli/commands.ts';
import { namesOf } from '../../../cli/line/verbs.ts';
import { matchesGolden } from './golden.ts';
import { shunt } from './session.ts';

const NOBODY = ['--nats', 'nats://127.0.0.1:1'];
const APPLY = ['apply', '-f', '-', ...NOBODY];

/** A file whose second redirect is the one in question; match stands on line 5, to on line 6. */
function spec({ match = '{ dst: 203.0.113.10 }', to = 'drop', hosts = 'all', more = '' }): string {
  return `redirects:
  - { name: fine, hosts: all, match: { dst: 203.0.113.9 }, to: drop }
  - name: in-question
    hosts: ${hosts}
    match: ${match}
    to: ${to}
${more}`;
}

const BOMB = `a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
redirects: *e
`;

function lines(count: number, line: (at: number) => string): string {
  return Array.from({ length: count }, (_, at) => line(at)).join('');
}

const REFUSED: Readonly<Record<string, string | Uint8Array>> = {
  'malformed-yaml': 'redirects:\n  - name: [x\n',
  'broken-documents': `%YAML 1.2
# the first
---
${spec({ match: '{ dst: 203.0.113.10' })}---
${spec({ hosts: '"all' })}---
${spec({ more: `    description: ${'x'.repeat(5000)}\n` })}--- # the last
${spec({ match: '{ dst: 203.0.113.999 }' })}`,
  'empty-file': '# nothing yet\n',
  'not-a-list': 'redirects: { name: x }\n',
  'bare-list': '- name: x\n',
  'single-redirect': 'name: x\nhosts: all\nmatch: { dst: 203.0.113.10 }\nto: drop\n',
  'unknown-top-field': 'redirect: []\n',
  'unknown-field': spec({ match: '{ dst: 203.0.113.10, proto: udp, dprot: 443 }' }),
  'unknown-field-far': spec({ more: '    weight: 3\n' }),
  'missing-field': 'redirects:\n  - name: x\n    match: { dst: 203.0.113.10 }\n    to: drop\n',
  'null-field': spec({ to: '' }),
  'key-twice': spec({ more: '    to: pass\n' }),
  'key-twice-inside': spec({ match: '{ dst: 203.0.113.9, proto: udp, dst: 203.0.113.10 }' }),
  'redirects-alone': 'redirects:\n',
  'name-twice': spec({ more: '  - { name: fine, hosts: all, match: { dst: 203.0.113.9 }, to: pass }\n' }),
  'bad-name': 'redirects:\n  - { name: Web, hosts: all, match: { dst: 203.0.113.9 }, to: drop }\n',
  'bad-selector': spec({ hosts: '[]' }),
  'bad-label': spec({ hosts: '{ role: edge, rack: 12 }' }),
  'bad-host': spec({ hosts: '[edge-7, Edge.8]' }),
  'host-bits': spec({ match: '{ src: 198.51.100.7/24 }' }),
  'not-an-address': spec({ match: '{ dst: 203.0.113.300 }' }),
  'mapped-address': spec({ match: '{ dst: "::ffff:203.0.113.10" }' }),
  'mixed-families': spec({ match: '{ src: 198.51.100.0/24, dst: "2001:db8::1" }' }),
  'mixed-families-to': spec({ to: '{ nexthop: "2001:db8::7" }' }),
  'no-address': spec({ match: '{ proto: udp }' }),
  'port-without-proto': spec({ match: '{ dst: 203.0.113.10, dport: 443 }' }),
  'port-zero': spec({ match: '{ dst: 203.0.113.10, proto: tcp, dport: 0 }' }),
  'proto-looked-through': spec({ match: '{ dst: "2001:db8::1", proto: 51 }', to: 'drop' }),
  'group-as-dst': spec({ match: '{ src: 198.51.100.7, dst: 224.0.0.251 }' }),
  'loopback-sent-on': spec({ match: '{ src: 127.0.0.0/8, dst: 203.0.113.10 }', to: '{ nexthop: 10.0.0.7 }' }),
  'bad-proto': spec({ match: '{ dst: 203.0.113.10, proto: icmp6 }' }),
  'bad-interface': spec({ match: '{ in: an-interface-name-too-long, dst: 203.0.113.10 }' }),
  'to-nothing': spec({ to: '{}' }),
  'to-mac-alone': spec({ to: '{ mac: "02:00:00:00:00:01" }' }),
  'to-two-things': spec({ to: '{ nexthop: 10.0.0.7, mac: "02:00:00:00:00:01" }' }),
  'to-group-mac': spec({ to: '{ interface: eth0, mac: "01:00:5e:00:00:01" }' }),
  'to-loopback': spec({ to: '{ nexthop: 127.0.0.1 }' }),
  'to-word': spec({ to: 'reject' }),
  'to-encap': spec({ to: '{ encap: ipip, remote: 192.0.2.2 }' }),
  'bad-idle': spec({ more: '    idle: { after: soon }\n' }),
  'bad-expires': spec({ more: '    expires: 2026-02-30T00:00:00Z\n' }),
  tag: spec({ match: '!!map { dst: 203.0.113.10 }' }),
  'forbidden-key': spec({ more: '    __proto__: { enabled: true }\n' }),
  'merge-key': spec({ match: '{ <<: { proto: udp }, dst: 203.0.113.10 }' }),
  'alias-bomb': BOMB,
  'too-deep': `redirects: ${'['.repeat(100_000)}`,
  'too-many-keys': `redirects:\n  - name: x\n    hosts: {${lines(20_000, (at) => ` k${at}: v,`)} }\n`,
  'too-many-lines-of-keys': `redirects: []\n${lines(20_000, (at) => `k${at}: v\n`)}`,
  'too-long-text': `redirects:\n  - name: "${'x\n\n        '.repeat(20_000)}"\n`,
  'too-many-problems': lines(5000, () => '{"name":1}\n'),
  'not-utf8': Buffer.from('redirects:\n  - name: caf\xe9\n', 'latin1'),
  'second-document': `${spec({})}---\n${spec({ match: '{ dst: 203.0.113.10, dport: 1 }' })}`,
  'json-lines':
    '{"name":"a","hosts":"all","match":{"dst":"203.0.113.9"},"to":"drop"}\n\n{"name":"b","hosts":"all","match":{"dst":"203.0.113.9/24"},"to":"drop"}\n{"name":"c"\n[1]\n',
  many: `redirects:\n${'  - { name: Bad, hosts: all, match: { dst: 203.0.113.10 }, to: drop }\n'.repeat(60)}`,
  'all-of-one': spec({
    hosts: '[Edge.1, edge-2, Edge.3]',
    match: '{ src: 198.51.100.7/24, proto: UDP, dprot: 443 }',
    to: '{ nexthop: 127.0.0.1, dev: eth1 }',
    more: '    enabled: yes\n    idle: { after: soon }\n',
  }),
  'host-for-hosts': spec({}).replace('    hosts:', '    host:'),
  'one-host': spec({ hosts: 'edge-1' }),
  'labels-as-text': spec({ hosts: 'role=edge' }),
  'before-no-yaml': `${spec({ match: '{ dst: 203.0.113.300 }' })}  - { name: third, hosts: al, match: {}, to: drop }\n  - name: [x\n`,
  'key-twice-and-more': spec({ match: '{ dst: 203.0.113.300 }', more: '    to: pass\n' }),
  'several-top-fields': `version: 1\n${spec({ match: '{ dst: 203.0.113.300 }' })}`,
  'name-twice-and-more': spec({ more: '  - { name: fine, hosts: al, match: { dst: 203.0.113.9 }, to: pass }\n' }),
  several: spec({
    match: '{ src: 198.51.100.7/24 }',
    more: '  - name: third\n    hosts: al\n    match: {}\n    to: drop\n  - 4th\n',
  }),
};

for (const [name, stdin] of Object.entries(REFUSED)) {
  test(`apply: ${name} is refused whole, with line and reason`, async (t) => {
    const session = await shunt(APPLY, { stdin });
    t.is(session.exit, 1);
    t.is(session.stdout, '');
    await matchesGolden(t, `apply-${name}`, APPLY, session);
  });
}

test('apply: a file that cannot be read hides nothing of the others', async (t) => {
  const words = ['apply', '-f', '/nonexistent/x.yaml', '-f', '-', '-f', '/nonexistent/y.yaml', ...NOBODY];
  const session = await shunt(words, { stdin: spec({ match: '{ dst: 203.0.113.300 }' }) });
  t.is(session.exit, 1);
  await matchesGolden(t, 'apply-file-and-no-such-file', words, session);
});

test('apply: problems as JSON, one document on standard error', async (t) => {
  const words = [...APPLY, '-o', 'json'];
  const session = await shunt(words, { stdin: spec({ match: '{ dst: 203.0.113.10, dport: 443 }' }) });
  t.is(JSON.parse(session.stderr).error.problems[0].line, 5);
  await matchesGolden(t, 'apply-json', words, session);
});

const CALLS: Readonly<Record<string, readonly string[]>> = {
  nothing: [],
  'unknown-command': ['aply'],
  'unknown-command-far': ['frobnicate'],
  'option-first': ['--nats', 'nats://127.0.0.1:1', 'get'],
  'unknown-option': ['status', '--hots', 'b'],
  'missing-value': ['get', '--nats'],
  'excess-operand': ['wait', 'a', 'b'],
  'no-operand': ['delete'],
  'apply-without-file': ['apply'],
  'apply-no-such-file': ['apply', '-f', '/nonexistent/x.yaml'],
  'apply-folder': ['apply', '-f', '/proc/sys'],
  'apply-stdin-twice': ['apply', '-f', '-', '-f', '-'],
  'delete-bad-name': ['delete', 'Web'],
  'bad-host': ['status', '--host', 'Edge.7'],
  'bad-label': ['agent', '--host', 'b', '--label', 'role'],
  'label-twice': ['agent', '--host', 'b', '--label', 'a=1', '--label', 'a=2'],
  'attach-nothing': ['attach'],
  'attach-unknown-owner': ['attach', '--interface', 'eth0', '--owner', 'nosuch-user'],
  'no-bus': ['get', ...NOBODY],
  'no-bus-json': ['get', ...NOBODY, '-o', 'json'],
  'no-creds': ['get', ...NOBODY, '--creds', '/nonexistent/x.creds'],
};

for (const [name, words] of Object.entries(CALLS)) {
  test(`shunt: ${name} is one clear sentence`, async (t) => {
    const session = await shunt(words);
    t.is(
      session.exit,
      name.startsWith('no-bus') ? 4 : name === 'apply-no-such-file' || name === 'apply-folder' ? 1 : 2,
    );
    t.is(session.stdout, '');
    await matchesGolden(t, name, words, session);
  });
}

for (const name of ['', ...namesOf(COMMANDS)]) {
  const words = name === '' ? ['--help'] : [...name.split(' '), '--help'];
  test(`help: shunt ${words.join(' ')} has an example and fits 80 columns`, async (t) => {
    const session = await shunt(words);
    t.is(session.exit, 0);
    t.is(session.stderr, '');
    const about = session.stdout.replace(/Example:.*/s, '');
    t.true(
      about.split('\n').every((line) => line.length <= 80),
      about,
    );
    if (name !== '') t.regex(session.stdout, new RegExp(`Example:\n(.*\n)* .*shunt ${name}`));
    t.deepEqual(await shunt(['help', ...words.slice(0, -1)]), session);
    await matchesGolden(t, ['help', ...words.slice(0, -1)].join('-'), words, session);
  });
}
