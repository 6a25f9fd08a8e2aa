import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import test from 'ava';
import { KeptTerminal } from '../unit/cli/session.ts';
import { House } from './house.ts';

const MAIN = join(import.meta.dirname, '../../cli/shunt.js');
const FILE = `redirects:
  - name: drain-1
    hosts: [edge-1]
    match: { dst: 203.0.113.1, proto: udp, dport: 443 }
    to: { nexthop: 10.0.0.7 }
    idle: { after: 10m }
    description: until web-2 is back
  - { name: drain-2, hosts: { role: edge }, match: { dst: 203.0.113.2 }, to: drop, priority: 7 }
  - { name: pass-1, hosts: { role: edge, rack: "12" }, match: { dst: "2001:db8::1" }, to: pass, enabled: false }
`;

test('get: what it writes as YAML is applied again and changes nothing', async (t) => {
  await using house = await House.open();
  const file = house.write('all.yaml', FILE);
  await house.shunt(['apply', '-f', file, '--set', 'web']);
  const { stdout, exit } = await house.shunt(['get', '-o', 'yaml']);
  t.is(exit, 0);
  t.regex(stdout, /^redirects:\n {2}# of the set web\n {2}- name: drain-1\n/);
  const again = await house.shunt(['apply', '-f', '-'], { stdin: stdout });
  t.regex(again.stdout, /^created 0, changed 0, unchanged 3;/);
  await house.shunt(['delete', '--set', 'web', '--yes']);
  t.regex((await house.shunt(['apply', '-f', '-'], { stdin: stdout })).stdout, /^created 3/);
  t.is((await house.shunt(['get', 'drain-2', '-o', 'yaml'])).stdout.split('- name').length, 2);
});

test('get: a redirect that lists more hosts than a page names is written with all of them', async (t) => {
  await using house = await House.open();
  const hosts = Array.from({ length: 2000 }, (_, at) => `edge-${at}`);
  const line = JSON.stringify({ name: 'wide', hosts, match: { dst: '203.0.113.1' }, to: 'drop' });
  await house.shunt(['apply', '-f', house.write('wide.jsonl', `${line}\n`)]);
  const { stdout } = await house.shunt(['get', '-o', 'yaml']);
  t.is([...stdout.matchAll(/edge-\d+/g)].length, 2000);
  t.regex((await house.shunt(['apply', '-f', '-'], { stdin: stdout })).stdout, /unchanged 1;/);
});

test('get: names alone, and what a set or labels choose', async (t) => {
  await using house = await House.open();
  await house.shunt(['apply', '-f', house.write('all.yaml', FILE)]);
  const names = async (...words: readonly string[]) => (await house.shunt(['get', '-o', 'name', ...words])).stdout;
  t.is(await names(), 'drain-1\ndrain-2\npass-1\n');
  t.is(await names('-l', 'role=edge'), 'drain-2\n');
  t.is(await names('-l', 'rack=12,role=edge'), 'pass-1\n');
  t.is(await names('pass-1'), 'pass-1\n');
  const other = FILE.replaceAll(/ {2}- \{.*\n/g, '');
  await house.shunt(['apply', '-f', house.write('one.yaml', other), '--set', 'web']);
  t.is(await names('--set', 'web'), 'drain-1\n');
  t.is(await names('--set', 'web', '-l', 'role=edge'), '');
  const none = await house.shunt(['get', '--set', 'wep']);
  t.like(none, { exit: 0, stdout: 'no redirects\n' });
  t.regex(none.stderr, /there is no redirect in the set wep; did you mean web\?/);
  t.is((await house.shunt(['get', '--set', 'wep', '-o', 'yaml'])).stdout, 'redirects: []\n');
  t.is((await house.shunt(['get', 'nosuch', '-o', 'name'])).exit, 1);
  t.is((await house.shunt(['get', 'drain-1', '--set', 'web'])).exit, 2);
  t.is((await house.shunt(['get', '-w', '-o', 'yaml'])).exit, 2);
});

test('get: with --exit-code the status says whether all that is asked for is in force', async (t) => {
  await using house = await House.open();
  const exit = async (...words: readonly string[]) => (await house.shunt(['get', '--exit-code', ...words])).exit;
  t.is(await exit(), 0, 'nothing is asked for');
  await house.shunt(['apply', '-f', house.write('all.yaml', FILE), '--set', 'web']);
  t.is((await house.shunt(['get'])).exit, 0);
  t.is(await exit(), 3);
  t.is(await exit('-o', 'json'), 3);
  t.is(await exit('-o', 'name'), 3);
  t.is(await exit('drain-1'), 3, 'its host was never heard');
  t.is(await exit('drain-2'), 3, 'there is no host for it');
  t.is(await exit('pass-1'), 0, 'it is disabled');
  t.is(await exit('--set', 'web'), 3);
  t.is(await exit('--set', 'wep'), 3, 'a filter that finds nothing');
  t.is(await exit('nosuch'), 1);
  t.is(await exit('-w'), 2);
});

test('get: wide leaves nothing out, however narrow the terminal is', async (t) => {
  await using house = await House.open();
  await house.shunt(['apply', '-f', house.write('all.yaml', FILE), '--set', 'web']);
  const { stdout } = await house.shunt(['get', '-o', 'wide'], { terminal: new KeptTerminal(60) });
  const [head = '', first = ''] = stdout.split('\n');
  t.regex(head, /^NAME +MATCH +TO +HOSTS +LIVE +STATE .*AGE +PRIORITY +DESCRIPTION +SET +REV$/);
  t.regex(first, /^drain-1 .* until web-2 is back +web +\d+$/);
  const plain = await house.shunt(['get'], { terminal: new KeptTerminal(200) });
  t.notRegex(plain.stdout, /SET/);
});

/** What a watching command has written, a line at a time. */
class Watcher implements AsyncDisposable {
  readonly #child;
  readonly #lines;
  #stderr = '';

  constructor(house: House, ...words: readonly string[]) {
    const env = { ...process.env, SHUNT_CONFIG: '/dev/null', HOME: '/nonexistent', SHUNT_NATS: house.server.url };
    this.#child = spawn(process.execPath, [MAIN, 'get', '-w', ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stderr.on('data', (data) => {
      this.#stderr += data;
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** The next line that fits; those before it are passed by. */
  async line(wanted: RegExp): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`no line fits ${wanted}`);
      if (wanted.test(value)) return value;
    }
  }

  async end(): Promise<unknown> {
    this.#child.kill('SIGINT');
    return (await this.ended()).code;
  }

  /** Waits until it ends by itself. */
  async ended(): Promise<{ readonly code: unknown; readonly stderr: string }> {
    const [code] = await once(this.#child, 'close');
    return { code, stderr: this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
  }
}

test('get -w: what changes is shown again, and Ctrl-C ends it', async (t) => {
  await using house = await House.open();
  const file = house.write('all.yaml', FILE);
  await house.shunt(['apply', '-f', file]);
  await using watcher = new Watcher(house);
  t.regex(await watcher.line(/^NAME/), /STATE/);
  await watcher.line(/^pass-1 /);
  house.write('all.yaml', FILE.replace('10.0.0.7', '10.0.0.9'));
  await house.shunt(['apply', '-f', file]);
  t.regex(await watcher.line(/^(drain|pass)-\d .*10\.0\.0\.9/), /^drain-1 /);
  await house.shunt(['delete', 'drain-2']);
  t.is(await watcher.line(/^drain-2/), 'drain-2  deleted');
  t.is(await watcher.end(), 0);
});

test('get -w: without its bus it ends, and says why', async (t) => {
  await using house = await House.open();
  await house.shunt(['apply', '-f', house.write('all.yaml', FILE)]);
  await using watcher = new Watcher(house);
  await watcher.line(/^pass-1 /);
  await house.server[Symbol.asyncDispose]();
  t.deepEqual(await watcher.ended(), {
    code: 4,
    stderr: `shunt get: lost ${house.server.url} while asking the controller: the server closed the connection; try again\n`,
  });
});

test('get -w: as JSON, a redirect a line', async (t) => {
  await using house = await House.open();
  const file = house.write('all.yaml', FILE);
  await house.shunt(['apply', '-f', file, '--set', 'web']);
  await using watcher = new Watcher(house, '-o', 'json', '--set', 'web');
  t.like(JSON.parse(await watcher.line(/pass-1/)), { set: 'web', spec: { name: 'pass-1' } });
  await house.shunt(['apply', '-f', house.write('one.yaml', FILE.replaceAll(/ {2}- \{.*\n/g, '')), '--set', 'db']);
  t.deepEqual(JSON.parse(await watcher.line(/./)), { deleted: 'drain-1' });
  t.is(await watcher.end(), 0);
});

test('get: several by name, also where some of them are not there', async (t) => {
  await using house = await House.open();
  await house.shunt(['apply', '-f', house.write('all.yaml', FILE)]);
  const names = await house.shunt(['get', 'pass-1', 'drain-1', 'pass-1', '-o', 'name']);
  t.deepEqual([names.exit, names.stdout], [0, 'drain-1\npass-1\n']);
  const table = await house.shunt(['get', 'pass-1', 'drain-1']);
  t.is(table.exit, 0);
  t.regex(table.stdout, /^NAME.*\ndrain-1 .*\n(.*\n)*pass-1 /);
  t.is(JSON.parse((await house.shunt(['get', 'drain-2', 'drain-1', '-o', 'json'])).stdout).items.length, 2);
  const some = await house.shunt(['get', 'drain-1', 'drain-3', 'zz', '-o', 'name']);
  t.like(some, { exit: 1, stdout: 'drain-1\n' });
  t.regex(
    some.stderr,
    /there is no redirect drain-3; did you mean drain-\d\?; there is no redirect zz; see shunt get\n$/,
  );
  t.like(await house.shunt(['get', 'yy', 'zz']), { exit: 1, stdout: '' });
  t.is((await house.shunt(['get', 'drain-1', 'drain-2', '--set', 'web'])).exit, 2);
});
