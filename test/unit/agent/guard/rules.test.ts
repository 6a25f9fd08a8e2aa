import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { GuardFileError, readGuardFile } from '../../../../agent/guard/file.ts';
import { DEFAULT_RULES } from '../../../../agent/guard/rules.ts';
import { parseMatch } from '../../../../protocol/match.ts';

function withFile<T>(text: string, use: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'guard-'));
  const path = join(folder, 'guard.yaml');
  try {
    writeFileSync(path, text, { mode: 0o644 });
    return use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function faultOf(path: string): string {
  try {
    readGuardFile(path);
    return 'none';
  } catch (error) {
    if (!(error instanceof GuardFileError)) throw error;
    return error.message.replace(path, 'F');
  }
}

test('guard file: what it says, in normal form; words stand for what is found out', (t) => {
  const text = `# ours
src: [198.51.100.0/24, 2001:DB8::/32]
targets:
  - 10.0.0.7
max-redirects: 1000
protect:
  - bus
  - { name: bgp, src: 192.0.2.1, proto: tcp, dport: 179 }
`;
  withFile(text, (path) => {
    t.deepEqual(readGuardFile(path), {
      rules: {
        src: ['198.51.100.0/24', '2001:db8::/32'],
        targets: ['10.0.0.7/32'],
        maxRedirects: 1000,
        protect: ['bus', { name: 'bgp', match: parseMatch({ src: '192.0.2.1', proto: 'tcp', dport: 179 }) }],
      },
      text,
    });
  });
  withFile('protect: []\n', (path) => t.deepEqual(readGuardFile(path).rules, { protect: [] }));
  for (const empty of ['', '# nothing\n', '{}\n'])
    withFile(empty, (path) => t.deepEqual(readGuardFile(path).rules, DEFAULT_RULES, JSON.stringify(empty)));
  t.deepEqual(readGuardFile('/nowhere/guard.yaml'), { rules: DEFAULT_RULES, text: undefined });
});

const WRONG: readonly (readonly [text: string, says: RegExp])[] = [
  ['src: [10.0.0.1/8]\n', /^F:1: src\[0\]: "10\.0\.0\.1\/8" has host bits set; did you mean 10\.0\.0\.0\/8\?$/],
  ['dst:\n  - 10.0.0.0/8\n  - nonsense\n', /^F:3: dst\[1\]: "nonsense" is not/],
  ['dst: 10.0.0.0/8\n', /^F:1: dst: expected a list, not "10\.0\.0\.0\/8"$/],
  ['\nmax-redirects: many\n', /^F:2: max-redirects: expected a whole number/],
  ['\n\nmax-redirect: 3\n', /^F:3: max-redirect: unknown field; did you mean max-redirects\?$/],
  ['protect: [bus, sssh]\n', /^F:1: protect\[1\]: expected one of bus, ssh, dns, not "sssh"; did you mean ssh\?$/],
  ['protect:\n  - { src: 10.0.0.1 }\n', /^F:2: protect\[0\]\.name: is required$/],
  ['protect:\n  - { name: x, src: 10.0.0.1, port: 3 }\n', /^F:2: protect\[0\]\.port: unknown field/],
  ['protect:\n  - { name: x, in: eth0, src: 10.0.0.1 }\n', /^F:2: protect\[0\]\.in: packets are protected by whatever/],
  ['protect:\n  - name: x\n    src: 10.0.0.1\n    sport: 3\n', /^F:4: protect\[0\]\.sport: needs proto/],
  [
    `protect:\n${[1, 2, 3, 4, 5, 6, 7].map((n) => `  - { name: x, src: 10.0.0.${n} }\n`).join('')}`,
    /^F:2: protect: 7 of its own, at most 6$/,
  ],
  ['src: [::ffff:10.0.0.0/104]\n', /^F:1: src\[0\]: an IPv4-mapped/],
  ['src: [\n', /^F:\d: not valid YAML/],
  ['src: []\nsrc: []\n', /^F:2: not valid YAML/],
  ['- a\n', /^F:1: expected an object, not a list$/],
  ['a: &a [1]\nsrc: *a\n', /^F: aliases are not read here/],
];

test('guard file: one that is not right is refused, with line and field', (t) => {
  for (const [text, says] of WRONG) withFile(text, (path) => t.regex(faultOf(path), says, text));
  withFile('#'.repeat(70_000), (path) => t.regex(faultOf(path), /longer than 64 KiB/));
});

test("guard file: one that others could exchange or write to is not used, nor a link, a folder or another's file", (t) => {
  withFile('protect: []\n', (path) => {
    for (const mode of [0o664, 0o646, 0o666]) {
      chmodSync(path, mode);
      t.is(faultOf(path), `F can be written to by others (mode ${mode.toString(8)}); chmod go-w ${path}`);
    }
    chmodSync(path, 0o644);
    chmodSync(join(path, '..'), 0o777);
    t.regex(faultOf(path), /can be written to by others \(mode 777\)/);
    chmodSync(join(path, '..'), 0o755);
    t.is(faultOf(path), 'none');
    symlinkSync(path, `${path}.link`);
    t.regex(faultOf(`${path}.link`), /is a symbolic link/);
    mkdirSync(`${path}.d`);
    t.regex(faultOf(`${path}.d`), /is no regular file/);
    if (process.geteuid?.() !== 0) return;
    chownSync(path, 4242, 4242);
    t.regex(faultOf(path), /is of user 4242, who could exchange it/);
  });
});
