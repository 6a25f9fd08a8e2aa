import { readFileSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { connect } from 'nats';
import { pino } from 'pino';
import { startController } from '../../controller/main.ts';
import { encodeStatus } from '../../protocol/status.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { startNats } from '../support/nats.ts';
import { KeptTerminal, type Session, shunt } from '../unit/cli/session.ts';
import { Folder, spec, status } from '../unit/controller/fleet.ts';
import { until } from './rig.ts';

const subjects = makeSubjects();

/** A controller that has heard one host, and the command beside it. */
class House implements AsyncDisposable {
  readonly folder = new Folder();
  readonly #held = new AsyncDisposableStack();
  #url = '';

  static async open(t: ExecutionContext): Promise<House> {
    const house = new House();
    house.#held.use(house.folder);
    const server = house.#held.use(await startNats());
    house.#url = server.url;
    const config = { nats: [server.url], db: house.folder.file(), rootSubject: subjects.root };
    house.#held.use(await startController(config, pino({ level: 'silent' }), (error) => t.fail(error.message)));
    const nats = await connect({ servers: server.url });
    house.#held.defer(() => nats.close());
    nats.publish(subjects.status('edge-1'), encodeStatus(status('edge-1', { labels: { role: 'edge' } })));
    await until(t, 'the host is known', async () =>
      (await house.shunt('hosts', '-o', 'json')).stdout.includes('edge-1'),
    );
    return house;
  }

  write(name: string, ...specs: readonly object[]): string {
    writeFileSync(this.folder.file(name), specs.map((one) => `${JSON.stringify(one)}\n`).join(''));
    return this.folder.file(name);
  }

  shunt(...words: readonly string[]): Promise<Session> {
    return shunt(words, { env: { SHUNT_NATS: this.#url }, terminal: new KeptTerminal(80) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.disposeAsync();
  }
}

test('plan: what is kept is applied as it was shown, or not at all', async (t) => {
  await using house = await House.open(t);
  const file = house.write('a.jsonl', spec('a', 1), spec('b', 2));
  await house.shunt('apply', '-f', house.write('old.jsonl', spec('old', 3)));
  const kept = house.folder.file('a.plan');
  const planned = await house.shunt('plan', '-f', file, '--delete', 'old', '--out', kept);
  t.is(planned.exit, 0);
  t.regex(planned.stdout, /would create 2, change 0, delete 1/);
  t.regex(planned.stderr, /^note: kept: shunt apply /);
  const done = await house.shunt('apply', kept);
  t.is(done.exit, 0, done.stderr);
  t.regex(done.stdout, /created 2, changed 0, unchanged 0, deleted 1; hosts 1/);
  const again = await house.shunt('apply', kept);
  t.deepEqual([again.exit, again.stdout], [1, '']);
  t.regex(
    again.stderr.replaceAll(/\s+/g, ' '),
    /what the plan relied on is otherwise by now \(PLAN_STALE\): applied already, all of it is so since change \S+ of .*nothing was changed: plan again/,
  );
  const json = await house.shunt('apply', kept, '-o', 'json');
  t.is(JSON.parse(json.stderr).error.code, 'PLAN_STALE');
});

test('plan: one that is stale says which redirect moved, and by which change', async (t) => {
  await using house = await House.open(t);
  const kept = house.folder.file('a.plan');
  await house.shunt('plan', '-f', house.write('a.jsonl', spec('a', 1), spec('b', 2)), '--out', kept);
  await house.shunt('apply', '-f', house.write('b.jsonl', spec('b', 3)));
  const { stderr } = await house.shunt('apply', kept);
  t.regex(stderr.replaceAll(/\s+/g, ' '), /\(PLAN_STALE\): moved since then: b by change \S+ of \S+ at /);
});

test('plan: with --exit-code the status says whether something would change', async (t) => {
  await using house = await House.open(t);
  const file = house.write('a.jsonl', spec('a', 1));
  t.is((await house.shunt('plan', '-f', file, '--exit-code')).exit, 6);
  t.is((await house.shunt('plan', '-f', file)).exit, 0);
  await house.shunt('apply', '-f', file);
  t.is((await house.shunt('plan', '-f', file, '--exit-code')).exit, 0);
  t.is((await house.shunt('plan', '--delete', 'a', '--exit-code', '-o', 'json')).exit, 6);
  t.is((await house.shunt('plan', '--delete', 'never', '--exit-code')).exit, 0);
});

test('plan: of a set and what is pruned from it, too', async (t) => {
  await using house = await House.open(t);
  await house.shunt('apply', '-f', house.write('old.jsonl', spec('a', 1), spec('b', 2)), '--set', 'web');
  const kept = house.folder.file('set.plan');
  const file = house.write('a.jsonl', spec('a', 1, { to: 'drop' }));
  t.is((await house.shunt('plan', '-f', file, '--set', 'web', '--prune', '--out', kept)).exit, 0);
  const done = await house.shunt('apply', kept);
  t.regex(done.stdout, /created 0, changed 1, unchanged 0, deleted 1/, done.stderr);
});

test('apply: what is no plan is said to be none, and nothing is sent', async (t) => {
  await using house = await House.open(t);
  const file = house.write('a.jsonl', spec('a', 1));
  const wrong = await house.shunt('apply', file);
  t.is(wrong.exit, 2);
  t.regex(wrong.stderr.replaceAll(/\s+/g, ' '), /is no plan of shunt plan --out; did you mean -f /);
  const kept = house.folder.file('a.plan');
  await house.shunt('plan', '-f', file, '--out', kept);
  writeFileSync(kept, readFileSync(kept, 'utf8').replace('"shuntPlan":1', '"shuntPlan":2'));
  t.regex((await house.shunt('apply', kept)).stderr, /is\s+no\s+plan\s+that\s+this\s+version\s+reads/);
  t.is((await house.shunt('apply', kept, '-f', file)).exit, 2);
  t.is((await house.shunt('get', 'a')).exit, 1);
});

test('apply: what deserves a second look is said as the plan of the same says it', async (t) => {
  await using house = await House.open(t);
  await house.shunt('apply', '-f', house.write('old.jsonl', { ...spec('wide', 0), match: { dst: '10.0.0.0/24' } }));
  const { stderr } = await house.shunt('apply', '-f', house.write('a.jsonl', spec('a', 1, { to: 'drop' })));
  t.regex(stderr, /note: a: dropped, and not before/);
  t.regex(stderr, /note: not named, and its packets change: wide; see shunt plan/);
});

test('plan: a plan that was kept is shown again, and whether it still holds', async (t) => {
  await using house = await House.open(t);
  const file = house.write('a.jsonl', spec('a', 1), spec('b', 2));
  await house.shunt('apply', '-f', house.write('old.jsonl', spec('old', 3), spec('c', 4)), '--set', 'web');
  const kept = house.folder.file('a.plan');
  const plan = await house.shunt('plan', '-f', file, '--delete', 'old', '--set', 'web', '--prune', '--out', kept);
  const text = (session: Session): string => session.stderr.replaceAll(/\s+/g, ' ');
  const again = await house.shunt('plan', kept);
  t.like(again, { exit: 0, stdout: plan.stdout }, again.stderr);
  t.regex(
    text(again),
    /note: nothing that \S+a\.plan relied on is otherwise by now: shunt apply \S+a\.plan does this $/,
  );
  t.is(JSON.parse((await house.shunt('plan', kept, '-o', 'json')).stdout).stale, false);
  t.is((await house.shunt('plan', kept, '--out', kept)).exit, 2);
  await house.shunt('apply', '-f', house.write('b.jsonl', spec('b', 2)));
  const stale = await house.shunt('plan', kept, '--exit-code');
  t.is(stale.exit, 6);
  t.regex(text(stale), /a\.plan is stale: .*; plan again/);
  t.is(JSON.parse((await house.shunt('plan', kept, '-o', 'json')).stdout).stale, true);
});

test('plan: -f of a plan says that it is one, and what to type', async (t) => {
  await using house = await House.open(t);
  const kept = house.folder.file('a.plan');
  await house.shunt('plan', '-f', house.write('a.jsonl', spec('a', 1)), '--out', kept);
  for (const command of ['plan', 'apply']) {
    const { exit, stderr } = await house.shunt(command, '-f', kept);
    t.is(exit, 2);
    t.regex(
      stderr.replaceAll(/\s+/g, ' '),
      /a\.plan is a plan that was kept, not redirects; shunt apply \S+a\.plan does it/,
    );
  }
});

test('plan: --out overwrites a plan, and nothing else', async (t) => {
  await using house = await House.open(t);
  const file = house.write('a.jsonl', spec('a', 1));
  const before = readFileSync(file, 'utf8');
  const other = await house.shunt('plan', '-f', file, '--out', file, '-o', 'json');
  t.is(other.exit, 1);
  t.regex(
    JSON.parse(other.stderr).error.message,
    /a\.jsonl is there already, and is no plan; name another file with --out/,
  );
  t.is(readFileSync(file, 'utf8'), before);
  const nowhere = await house.shunt('plan', '-f', file, '--out', '/nonexistent/x', '-o', 'json');
  t.is(JSON.parse(nowhere.stderr).error.message, 'cannot write /nonexistent/x: there is no folder /nonexistent');
  const kept = house.folder.file('a.plan');
  writeFileSync(kept, '');
  for (let round = 0; round < 2; round += 1) t.is((await house.shunt('plan', '-f', file, '--out', kept)).exit, 0);
});

test('apply: of files that a shell wrote out, all but the first want -f as well', async (t) => {
  await using house = await House.open(t);
  const [a, b, c] = ['a', 'b', 'c'].map((name, at) => house.write(`${name}.jsonl`, spec(name, at)));
  for (const command of ['apply', 'plan'])
    for (const files of [[b], [b, c], ['/nonexistent.yaml']]) {
      const { exit, stderr } = await house.shunt(command, '-f', String(a), ...files.map(String), '-o', 'json');
      t.is(exit, 2);
      const said = `unexpected argument "${files[0]}": -f takes one file; write -f ${a} -f ${files[0]}, or -f FOLDER for all in it`;
      t.is(JSON.parse(stderr).error.message, said);
    }
  const deletes = await house.shunt('plan', '--delete', 'a', 'b');
  t.regex(deletes.stderr, /unexpected argument "b"; did you mean --delete b\?/);
});

test('plan and apply: what is put into a set is said', async (t) => {
  await using house = await House.open(t);
  const file = house.write('a.jsonl', spec('a', 1), spec('b', 2));
  t.regex((await house.shunt('apply', '-f', file, '--set', 'web')).stdout, /; 2 put into the set web; change/);
  const moved = await house.shunt('plan', '-f', file, '--set', 'other', '--exit-code');
  t.is(moved.exit, 6);
  t.regex(
    moved.stdout,
    /^would create 0, change 0, delete 0; unchanged 2\nwould put 2 into the set other\nnothing would change on/,
  );
  t.notRegex((await house.shunt('apply', '-f', file, '--set', 'web')).stdout, /put/);
});
