import { execFileSync } from 'node:child_process';
import test from 'ava';
import { plain, shellWord, visible } from '../../../protocol/plain.ts';

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
/** C0, DEL and C1, what ends a line, and what turns one round. */
const CONTROLS = [
  ...range(0, 0x1f),
  ...range(0x7f, 0x9f),
  ...[0x61c, 0x200e, 0x200f, 0x2028, 0x2029],
  ...range(0x202a, 0x202e),
  ...range(0x2066, 0x2069),
].map((code) => String.fromCodePoint(code));

test('plain: each control character is a space, or is seen as JSON writes it; letters of all scripts stay', (t) => {
  for (const one of CONTROLS) {
    t.is(plain(`a${one}b`), 'a b');
    const seen = visible(`a${one}b`);
    t.regex(seen, /^a\\u[0-9a-f]{4}b$/);
    t.is(JSON.parse(`"${seen}"`), `a${one}b`);
  }
  for (const text of ['Grüße, عربى, 日本語 👩‍👩‍👧 – ok', 'a b']) {
    t.is(plain(text), text);
    t.is(visible(text), text);
  }
});

const ESCAPE = '\u001b';

test('plain: what is spared stays as it is, at its place only', (t) => {
  t.is(
    visible('\u001b[31mred\u001b[0m\n\u001b[2J', new RegExp(`\\n|${ESCAPE}\\[(?:0|31)m`, 'y')),
    '\u001b[31mred\u001b[0m\n\\u001b[2J',
  );
});

test('plain: a shell reads a word as it was, whatever is in it', (t) => {
  const words = ['eth0', '/run/a-b_c.d', 'a b', "it's", '$(reboot)', '`id`', '"', 'a;b', '*', '~', '#', '\\', "'\\''"];
  for (const word of [...words, 'a\u001bb', 'ü\n\u202e']) {
    t.is(execFileSync('bash', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' }).toString(), word);
  }
  t.is(shellWord('eth0'), 'eth0');
  t.is(shellWord(''), "''");
});
