import test from 'ava';
import { processTerminal } from '../../../../cli/show/terminal.ts';
import { KeptTerminal, shunt } from '../session.ts';

function widths(out: object, error: object, env: Record<string, string>): readonly (number | undefined)[] {
  const stream = { on: () => undefined, write: () => true };
  const process = { stdin: {}, stdout: { ...stream, ...out }, stderr: { ...stream, ...error }, env };
  const { width, noteWidth } = processTerminal(process as unknown as NodeJS.Process);
  return [width, noteWidth];
}

test('terminal: its own width counts, then COLUMNS; a pipe that nobody gave a width has none', (t) => {
  const tty = { isTTY: true, columns: 120 };
  t.deepEqual(widths(tty, tty, { COLUMNS: '60' }), [120, 120]);
  t.deepEqual(widths({}, tty, { COLUMNS: '60' }), [60, 120]);
  t.deepEqual(widths({}, {}, { COLUMNS: '60' }), [60, 60]);
  t.deepEqual(widths({ isTTY: true, columns: 0 }, {}, { COLUMNS: '72' }), [72, 72]);
  t.deepEqual(widths({}, {}, {}), [undefined, undefined]);
  for (const COLUMNS of ['', '0', '-5', 'wide', '1e3', '999999']) t.is(widths({}, {}, { COLUMNS })[0], undefined);
});

test('terminal: all of it is taken only where somebody sits at it, and it can be drawn on', (t) => {
  const takes = (stdin: boolean, stdout: boolean, TERM: string) => {
    const stream = { on: () => undefined, write: () => true };
    const outs = { stdout: { ...stream, isTTY: stdout }, stderr: stream };
    const process = { stdin: { isTTY: stdin }, ...outs, env: { TERM } };
    return processTerminal(process as unknown as NodeJS.Process).screen !== undefined;
  };
  t.true(takes(true, true, 'xterm'));
  t.false(takes(false, true, 'xterm'));
  t.false(takes(true, false, 'xterm'));
  t.false(takes(true, true, 'dumb'));
});

test('errors: they are broken between words, and what goes on is set in', async (t) => {
  const stdin = 'redirects:\n  - { name: Web, hosts: edge-1, match: { dst: 203.0.113.10 }, to: drop }\n';
  const whole = await shunt(['apply', '-f', '-'], { stdin });
  for (const width of [40, 60, 80]) {
    const { stderr } = await shunt(['apply', '-f', '-'], { stdin, terminal: new KeptTerminal(width) });
    t.true(
      stderr.split('\n').every((line) => line.length <= width),
      stderr,
    );
    t.is(stderr.replaceAll('\n  ', ' '), whole.stderr);
  }
  const coloured = await shunt(['get', '--frobnicate-in-some-way'], { terminal: new KeptTerminal(30, true) });
  t.true(
    coloured.stderr.startsWith(
      '\u001b[31mshunt get:\u001b[0m unknown option\n  --frobnicate-in-some-way;\n  see --help\n',
    ),
    coloured.stderr,
  );
});

test('errors: as JSON they stay one line, however narrow the terminal', async (t) => {
  const { stderr } = await shunt(['get', '--frobnicate', '-o', 'json'], { terminal: new KeptTerminal(30) });
  t.is(JSON.parse(stderr).error.code, 'USAGE');
  t.is(stderr.trim().split('\n').length, 1);
});
