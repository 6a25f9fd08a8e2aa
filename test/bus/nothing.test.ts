import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { connect } from 'nats';
import { pino } from 'pino';
import { startController } from '../../controller/main.ts';
import { API_VERBS } from '../../protocol/api.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { startNats } from '../support/nats.ts';
import { shunt } from '../unit/cli/session.ts';
import { Folder, spec } from '../unit/controller/fleet.ts';

const subjects = makeSubjects();
const FIXTURES = join(import.meta.dirname, '../../protocol/fixtures');
const PART = { v: 1, upload: 'u', part: 0, parts: 1 };
const SPEC = { name: 'new', hosts: 'all', match: { dst: '203.0.113.99' }, to: 'drop' };

/** Ways to name nothing, in requests: by the verb. */
const REQUESTS: readonly (readonly [verb: string, request: object])[] = [
  ['delete', { v: 1 }],
  ['delete', { v: 1, names: [] }],
  ['delete', { v: 1, names: [''] }],
  ['delete', { v: 1, names: [' '] }],
  ['delete', { v: 1, names: [null] }],
  ['delete', { v: 1, names: {} }],
  ['delete', { v: 1, names: ['a'], reason: ' ' }],
  ['delete', { v: 1, names: ['a'], allowShrink: true }],
  ['delete', { v: 1, names: ['a'], allowShrink: false, reason: 'x' }],
  ['apply', { ...PART, specs: [] }],
  ['apply', { ...PART, specs: [{}] }],
  ['apply', { ...PART, specs: [null] }],
  ['apply', { ...PART, specs: [''] }],
  ...['', ' ', [], {}, [''], [null], { role: '' }, { '': 'edge' }, { role: null }].map(
    (hosts) => ['apply', { ...PART, specs: [{ ...SPEC, hosts }] }] as const,
  ),
  ...[{}, { src: '', dst: '' }, { dst: ' ' }, { src: null, dst: null }].map(
    (match) => ['apply', { ...PART, specs: [{ ...SPEC, match }] }] as const,
  ),
  ...['', {}, [], { nexthop: '' }].map((to) => ['apply', { ...PART, specs: [{ ...SPEC, to }] }] as const),
  ['plan', { ...PART, specs: [] }],
  ['plan', { ...PART, specs: [], delete: [] }],
  ['plan', { ...PART, specs: [], delete: [''] }],
  ...['', ' ', null, [], {}].flatMap((set) => [
    ['apply', { ...PART, specs: [SPEC], set }] as const,
    ['apply', { ...PART, specs: [SPEC], set, prune: [] }] as const,
    ['plan', { ...PART, specs: [SPEC], set }] as const,
    ['get', { v: 1, set }] as const,
    ['names', { v: 1, set }] as const,
  ]),
  ['apply', { ...PART, specs: [], set: 'web', prune: [] }],
  ['apply', { ...PART, specs: [], set: 'web', prune: ['a'] }],
  ['apply', { ...PART, specs: [SPEC], prune: ['a'] }],
  ['apply', { ...PART, specs: [SPEC], set: 'web', prune: [''] }],
  ['apply', { ...PART, specs: [SPEC], set: 'web', prune: null }],
  ...[null, '', [], {}, { role: '' }, { '': 'edge' }].flatMap((labels) => [
    ['get', { v: 1, labels }] as const,
    ['names', { v: 1, labels }] as const,
  ]),
  ['names', { v: 1, prefix: '' }],
  ['names', { v: 1, sets: false }],
  ['forget', { v: 1, host: '' }],
  ['forget', { v: 1, host: ' ' }],
  ['forget', { v: 1 }],
];

/** The same as words of the command; FILE stands for one that was written. */
const CALLS: readonly (readonly [words: readonly string[], stdin?: string])[] = [
  [['delete']],
  [['delete', '']],
  [['delete', ' ']],
  [['delete', 'a', '']],
  [['delete', 'a', '--reason', '']],
  [['delete', 'a', '--allow-shrink']],
  [['delete', 'a', '--allow-shrink', '--reason', ' ']],
  [['apply']],
  [['apply', '-f', '']],
  [['apply', '-f', '-'], ''],
  [['apply', '-f', '-'], ' \n'],
  [['apply', '-f', '-'], 'redirects:\n'],
  [['apply', '-f', '-'], 'redirects: []\n'],
  [['apply', '-f', '-'], '{}\n'],
  ...["''", '[]', '{}', 'null', "['']", "{ role: '' }"].map(
    (hosts) =>
      [
        ['apply', '-f', '-'],
        `redirects: [{ name: new, hosts: ${hosts}, match: { dst: 203.0.113.99 }, to: drop }]\n`,
      ] as const,
  ),
  [['apply', '-f', '-', '--set', ''], 'redirects: []\n'],
  [['apply', '-f', '-', '--set', 'web', '--prune', '--yes'], 'redirects: []\n'],
  [['apply', '-f', '/proc/sys', '--set', 'web', '--prune', '--yes']],
  [['apply', '-f', '-', '--prune', '--yes'], 'redirects: []\n'],
  [['delete', '--yes']],
  [['delete', '--set', '', '--yes']],
  [['delete', '--set', ' ', '--yes']],
  [['delete', '-l', '', '--yes']],
  [['delete', '-l', ',', '--yes']],
  [['delete', '-l', 'role=', '--yes']],
  [['delete', '-f', '', '--yes']],
  [['delete', '-f', '/proc/sys', '--yes']],
  [['delete', '-f', '-', '--yes'], 'redirects: []\n'],
  [['get', '--set', '']],
  [['get', '-l', '']],
  [['get', '--context', '']],
  [['plan', '--set', 'web', '--prune']],
  [['plan', '--delete', 'a', '--set', 'web', '--prune']],
  [['plan']],
  [['plan', '--delete', '']],
  [['plan', '-f', '-'], 'redirects: []\n'],
  [['hosts', 'forget', '']],
];

/** Each request of the fixtures with one of its fields null, at any depth. */
function* nulls(): Generator<readonly [verb: string, request: object]> {
  for (const file of readdirSync(FIXTURES)) {
    const verb = file.replace('-request.json', '').replace('get-rest', 'get');
    if (!file.endsWith('-request.json') || !Object.hasOwn(API_VERBS, verb)) continue;
    const request = JSON.parse(readFileSync(join(FIXTURES, file), 'utf8')) as Record<string, unknown>;
    const whole = request.parts === undefined ? request : { ...request, part: 0, parts: 1 };
    for (const changed of nulled(whole)) yield [verb, changed as object];
  }
}

function* nulled(value: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, field] of Object.entries(value)) {
    for (const inner of [null, ...nulled(field)]) {
      if (Array.isArray(value)) yield value.with(Number(name), inner);
      else yield { ...value, [name]: inner };
    }
  }
}

test('nothing: however it is said, it is refused, and no log, no redirect and no note of success comes of it', async (t) => {
  using folder = new Folder();
  await using server = await startNats();
  const config = { nats: [server.url], db: folder.file(), rootSubject: subjects.root };
  await using _controller = await startController(config, pino({ level: 'silent' }), (error) => t.fail(error.message));
  const nats = await connect({ servers: server.url });
  t.teardown(() => nats.close());
  const ask = async (verb: string, request: object): Promise<Record<string, unknown>> => {
    const { data } = await nats.request(subjects.api(verb), JSON.stringify(request), { timeout: 300_000 });
    return JSON.parse(new TextDecoder().decode(data)) as Record<string, unknown>;
  };
  await ask('apply', { ...PART, specs: [spec('a', 1), spec('b', 2)], set: 'web' });
  const state = (): unknown => {
    using db = new Beside(folder.file());
    return ['specs', 'sets', 'changes', 'heads', 'audit'].map((table) => db.rows(table));
  };
  const before = state();
  const requests = [...REQUESTS, ...nulls()];
  t.true(requests.length + CALLS.length > 60);
  for (const [verb, request] of requests) {
    const reply = await ask(verb, request);
    t.truthy(reply.error, `${verb} ${JSON.stringify(request)} → ${JSON.stringify(reply)}`);
    t.deepEqual(state(), before, `${verb} ${JSON.stringify(request)}`);
  }
  for (const [words, stdin = ''] of CALLS) {
    const { exit, stdout } = await shunt(words, { stdin, env: { SHUNT_NATS: server.url } });
    const told = `${JSON.stringify(words)} ${stdin}`;
    t.true(exit === 1 || exit === 2, told);
    t.is(stdout, '', told);
    t.deepEqual(state(), before, told);
  }
  writeFileSync(folder.file('empty.jsonl'), '\n');
  const empty = await shunt(['apply', '-f', folder.file('empty.jsonl')], { env: { SHUNT_NATS: server.url } });
  t.is(empty.exit, 1);
  t.deepEqual(state(), before);
});

/** The database beside the controller, read only. */
class Beside implements Disposable {
  readonly #db: InstanceType<typeof BetterSqlite3>;

  constructor(path: string) {
    this.#db = new BetterSqlite3(path, { readonly: true });
  }

  rows(table: string): unknown {
    return this.#db.prepare(`select * from ${table}`).all();
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
