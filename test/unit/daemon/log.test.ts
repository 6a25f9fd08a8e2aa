import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type LogReader, makeLog } from '../../../daemon/log.ts';

const MODULE = join(import.meta.dirname, '../../../daemon/log.ts');

/** What a log of each level writes for such a reader. */
function written(reader: LogReader, facts: object, message: string): string[] {
  const lines: string[] = [];
  const log = makeLog('debug', { host: 'edge-1' }, reader, { write: (line: string) => void lines.push(line) });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log.child({ component: 'c' })[level](facts, message);
  return lines;
}

test('log: to whatever reads JSON lines, each has its time in ISO 8601 and the word of its level', (t) => {
  const lines = written('other', { name: 'web', rev: 7 }, 'redirect applied');
  t.true(lines.every((line) => line.endsWith('}\n') && line.trim().split('\n').length === 1));
  const parsed = lines.map((line) => JSON.parse(line));
  t.deepEqual(
    parsed.map(({ level }) => level),
    ['debug', 'info', 'warn', 'error'],
  );
  t.like(parsed[0], { host: 'edge-1', component: 'c', name: 'web', rev: 7, msg: 'redirect applied' });
  for (const { time } of parsed) t.is(new Date(time).toISOString(), time);
});

test('log: the journal has the priority of each line before it, and the rest as ever', (t) => {
  const lines = written('journal', { name: 'web' }, 'redirect applied');
  t.deepEqual(
    lines.map((line) => line.slice(0, 3)),
    ['<7>', '<6>', '<4>', '<3>'],
  );
  for (const line of lines) t.like(JSON.parse(line.slice(3)), { name: 'web', msg: 'redirect applied' });
});

test('log: people at a terminal have a line of text each, in which nothing moves the cursor', (t) => {
  const error = new TypeError('it broke');
  const facts = {
    name: 'web',
    rev: 7,
    key: 'v4 udp *:* > 10.0.0.1/32:*',
    reason: 'a\n\u001b[2J\u009b1m\u202eb',
    error,
  };
  const lines = written('terminal', facts, 'redirect failed');
  t.deepEqual(
    lines.map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /, '')),
    ['DEBUG', 'INFO ', 'WARN ', 'ERROR'].map(
      (level) =>
        `${level} redirect failed host=edge-1 component=c name=web rev=7 key="v4 udp *:* > 10.0.0.1/32:*" ` +
        `reason="a\\n\\u001b[2J\\u009b1m\\u202eb" error="it broke"\n`,
    ),
  );
});

test('log: in JSON lines, too, nothing moves the cursor of whoever reads them at a terminal', (t) => {
  const reason = 'a\n\u001b[2J\u009b1m\u202e\u2028\u007fb';
  for (const reader of ['other', 'journal'] as const)
    for (const line of written(reader, { reason }, 'redirect failed')) {
      t.notRegex(line.slice(0, -1), /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
      t.is(line.at(-1), '\n');
      t.is(JSON.parse(line.replace(/^<\d>/, '')).reason, reason);
    }
});

/** What a process of its own logs into a file, with such a JOURNAL_STREAM. */
async function loggedWith(path: string, journalStream: string): Promise<string> {
  const fd = openSync(path, 'w');
  const script = `import { makeLog } from ${JSON.stringify(MODULE)}; makeLog('info').warn({}, 'said');`;
  const argv = ['-c', `JOURNAL_STREAM="${journalStream}" exec "$@"`, 'sh'];
  const node = [process.execPath, '--input-type=module', '-e', script];
  const child = spawn('sh', [...argv, ...node], { stdio: ['ignore', 'ignore', fd] });
  await once(child, 'close');
  closeSync(fd);
  return readFileSync(path, 'utf8');
}

test('log: stderr is the journal only where JOURNAL_STREAM names it, for children inherit the variable', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shunt-log-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [own, inherited] = await Promise.all([
    loggedWith(join(folder, 'own'), '$(stat -L -c %d:%i /proc/self/fd/2)'),
    loggedWith(join(folder, 'inherited'), '8:12345'),
  ]);
  t.regex(own, /^<4>\{"level":"warn","time":"\d{4}-.*"said"\}\n$/);
  t.regex(inherited, /^\{"level":"warn","time":"\d{4}-.*"said"\}\n$/);
});
