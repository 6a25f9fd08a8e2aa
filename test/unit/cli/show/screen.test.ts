import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import test from 'ava';
import { ProcessScreen } from '../../../../cli/show/screen.ts';

/** A process on a terminal: what is written there, and whether keys come as they are pressed. */
class FakeProcess extends EventEmitter {
  readonly pid = 7;
  readonly killed: unknown[] = [];
  raw = false;
  readonly stdin = Object.assign(new PassThrough(), {
    setRawMode: (raw: boolean) => {
      this.raw = raw;
    },
  });
  readonly stdout = Object.assign(new PassThrough(), { columns: 100, rows: 30 });

  kill(...given: readonly unknown[]): void {
    this.killed.push(given);
  }

  get written(): string {
    return String(this.stdout.read() ?? '');
  }

  take(): ProcessScreen {
    return new ProcessScreen(this as unknown as NodeJS.Process);
  }
}

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';

test('screen: it is taken, drawn line by line, and given back as it was, once', (t) => {
  const fake = new FakeProcess();
  {
    using screen = fake.take();
    t.is(fake.written, ENTER);
    t.true(fake.raw);
    t.deepEqual([screen.columns, screen.rows], [100, 30]);
    screen.draw(['a', 'b']);
    t.is(fake.written, '\x1b[H\x1b[Ka\r\n\x1b[Kb\r\n\x1b[J');
    screen.draw(Array(31).fill('x'));
    t.is(fake.written.split('\n').length, 30);
    screen[Symbol.dispose]();
    t.is(fake.written, LEAVE);
  }
  t.is(fake.written, '');
  t.false(fake.raw);
  t.deepEqual(
    [fake.listenerCount('exit'), fake.listenerCount('SIGCONT'), fake.stdout.listenerCount('resize')],
    [0, 0, 0],
  );
});

test('screen: whatever ends the process gives it back', (t) => {
  const fake = new FakeProcess();
  using _screen = fake.take();
  t.is(fake.written, ENTER);
  fake.emit('exit');
  t.is(fake.written, LEAVE);
});

test('screen: keys come by what they write, or by their names', async (t) => {
  const fake = new FakeProcess();
  using screen = fake.take();
  const keys: string[] = [];
  screen.onKey((key) => keys.push(key));
  for (const bytes of ['a', 'A', '/', '-', '\r', '\x7f', '\x03', '\x1b[A']) fake.stdin.write(bytes);
  while (keys.length < 8) await new Promise(setImmediate);
  t.deepEqual(keys, ['a', 'A', '/', '-', 'return', 'backspace', 'ctrl-c', 'up']);
});

test('screen: Ctrl-Z gives it to the shell until the job goes on, and nothing is drawn meanwhile', async (t) => {
  const fake = new FakeProcess();
  using screen = fake.take();
  let drawn = 0;
  screen.onResize(() => {
    drawn += 1;
  });
  t.is(fake.written, ENTER);
  fake.stdin.write('\x1a');
  while (fake.killed.length === 0) await new Promise(setImmediate);
  t.deepEqual(fake.killed, [[7, 'SIGTSTP']]);
  t.is(fake.written, LEAVE);
  screen.draw(['late']);
  t.is(fake.written, '');
  fake.emit('SIGCONT');
  t.is(fake.written, ENTER);
  t.is(drawn, 1);
  fake.stdout.emit('resize');
  t.is(drawn, 2);
});
