import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { connect } from 'nats';
import { pino } from 'pino';
import { startController } from '../../controller/main.ts';
import { parseGetReply } from '../../protocol/listings.ts';
import { encodeStatus } from '../../protocol/status.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { encodeTopReply, encodeTopRequest, parseTopReply, parseTopRequest } from '../../protocol/top.ts';
import { startNats } from '../support/nats.ts';
import { matchesGolden } from '../unit/cli/golden.ts';
import { KeptTerminal, shunt } from '../unit/cli/session.ts';
import { status } from '../unit/controller/fleet.ts';
import { House } from './house.ts';

const subjects = makeSubjects();
const RATES = {
  ...{ spanMs: 10_000, verdicts: { SENT: 4_000, NO_MATCH: 10 }, lost: 0 },
  busiest: [
    { name: 'web', packets: 3_000, bytes: 300_000, passed: 50 },
    { name: 'dns', packets: 1_000, bytes: 64_000 },
  ],
};

/** Publishes what a host says of itself, and waits until the controller has heard it. */
async function say(house: House, host: string, rates: typeof RATES): Promise<void> {
  const nats = await connect({ servers: house.server.url });
  const plain = { exceptions: [], exceptionsTotal: 0, undelivered: undefined, passed: undefined };
  const said = { ...plain, host, labels: { role: 'edge' }, rates, boot: `boot-of-${host}` };
  nats.publish(subjects.status(host), encodeStatus(status(host, said as object)));
  await nats.drain();
  for (;;) {
    const { exit, stdout } = await house.shunt(['top', '--host', host, '-o', 'json']);
    const hosts = await house.shunt(['hosts', '-o', 'json']); // whose statuses are written a little later
    if (exit === 0 && JSON.parse(stdout).hosts === 1 && hosts.stdout.includes(`"${host}"`)) return;
    await setTimeout(10);
  }
}

test('top: a controller adds up what hosts say, and get has it too', async (t) => {
  await using house = await House.open();
  await say(house, 'edge-1', RATES);
  await say(house, 'edge-2', { ...RATES, busiest: RATES.busiest.slice(0, 1) });
  const top = async (...words: readonly string[]) =>
    JSON.parse((await house.shunt(['top', '-o', 'json', ...words])).stdout);
  const fleet = await top();
  t.like(parseTopReply(fleet), { hosts: 2, hostsKnown: 2, total: 2, lost: 0, verdicts: { SENT: 800, NO_MATCH: 2 } });
  t.like(fleet.items, [
    { name: 'web', packets: 600, bytes: 60_000, passed: 10 },
    { name: 'dns', packets: 100, bytes: 6_400, passed: 0 },
  ]);
  t.like((await top('--host', 'edge-2')).items, { length: 1, 0: { name: 'web', packets: 300 } });
  const nobody = await house.shunt(['top', '--host', 'egde-2']);
  t.is(nobody.exit, 1);
  t.regex(nobody.stderr, /the controller knows no host egde-2; did you mean edge-2\?; see shunt hosts/);
  const rows = (await top('--by-host', '--sort', 'name')).items;
  t.deepEqual(
    rows.map(({ name, host, packets }: Record<string, unknown>) => [name, host, packets]),
    [
      ['dns', 'edge-1', 100],
      ['web', 'edge-1', 300],
      ['web', 'edge-2', 300],
    ],
  );
  t.like((await top('--filter', 'dn')).items, { length: 1 });

  const redirects = ['web', 'dns', 'idle'].map((name, at) => {
    return `  - { name: ${name}, hosts: [edge-1, edge-2${name === 'dns' ? ', edge-3' : ''}], match: { dst: 203.0.113.${at + 1} }, to: drop }\n`;
  });
  await house.shunt(['apply', '-f', house.write('all.yaml', `redirects:\n${redirects.join('')}`)]);
  const got = parseGetReply({ v: 1, next: null, ...JSON.parse((await house.shunt(['get', '-o', 'json'])).stdout) });
  t.deepEqual('items' in got && got.items.map(({ spec, rate }) => [spec.name, rate]), [
    ['dns', { packets: 100, bytes: 6_400, hosts: 2 }],
    ['idle', { packets: 0, bytes: 0, hosts: 2 }],
    ['web', { packets: 600, bytes: 60_000, hosts: 2 }],
  ]);
  t.regex((await house.shunt(['get'])).stdout, /\ndns .* ≥100 /);
});

test('top: of several controllers each hears every host, so it is all the same which of them answers', async (t) => {
  await using house = await House.open();
  const config = { nats: [house.server.url], db: house.file('controller.db'), rootSubject: subjects.root };
  const log = pino({ level: 'silent' });
  await using _second = await startController(config, log, (error) => t.fail(error.message));
  const nats = await connect({ servers: house.server.url });
  const rates = { ...RATES, busiest: RATES.busiest.slice(0, 1) };
  const said = { exceptions: [], exceptionsTotal: 0, undelivered: undefined, passed: undefined, rates };
  nats.publish(subjects.status('edge-1'), encodeStatus(status('edge-1', said as object)));
  const ask = async () => {
    const reply = parseTopReply((await nats.request(subjects.api('top'), encodeTopRequest({ v: 1 }))).data);
    return 'items' in reply ? `${reply.since} ${reply.items.map(({ name, packets }) => `${name} ${packets}`)}` : '';
  };
  const answers = new Set<string>();
  for (let asked = 0; answers.size < 2 || asked < 20; asked += 1) {
    const answer = await ask();
    if (answer.endsWith('web 300')) answers.add(answer);
    else t.deepEqual([...answers], [], 'once one has heard it, both have'); // it was published before
  }
  t.is(answers.size, 2, 'they began to listen at different times');
  await nats.drain();
});

test('top: the database of a controller never has rates', async (t) => {
  await using house = await House.open();
  await say(house, 'edge-1', RATES);
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(house.file('controller.db'), { readOnly: true });
  let rows: unknown[] = [];
  for (; rows.length === 0; await setTimeout(10)) rows = database.prepare('select status from hosts').all();
  database.close();
  t.notRegex(JSON.stringify(rows), /rates|busiest/);
  t.regex(JSON.stringify(rows), /boot-of-edge-1/);
});

test('top: once, in a pipe and on a terminal; what keeps it from being all is noted', async (t) => {
  await using server = await startNats();
  const nats = await connect({ servers: server.url });
  const at = 1_790_000_000_000;
  const item = {
    ...{ name: 'drain-web-2', packets: 20_064.215, bytes: 27_510_000, passed: 80.2 },
    ...{ state: 'blocked', code: 'NO_NEIGHBOUR', stateHosts: 2, series: [null, 0, 9_000, 18_003.4, 20_064.215] },
  };
  const silent = {
    name: 'old',
    packets: null,
    bytes: null,
    passed: null,
    state: 'silent',
    stateHosts: 1,
    series: [3, null],
  };
  const told = { v: 1, at, since: at - 20_000, everyMs: 15_000, hosts: 33, hostsKnown: 32 } as const;
  const verdicts = { SENT: 20_000, NO_MATCH: 1_200_000 };
  const asked: unknown[] = [];
  nats.subscribe(subjects.api('top'), {
    callback: (_, message) => {
      asked.push(parseTopRequest(message.data));
      message.respond(encodeTopReply({ ...told, verdicts, lost: null, items: [item, silent], total: 1_000 }));
    },
  });
  await nats.flush();
  const run = (words: readonly string[], width?: number) =>
    shunt(words, { env: { SHUNT_NATS: server.url }, terminal: new KeptTerminal(width) });
  await matchesGolden(t, 'done-top', ['top'], await run(['top']));
  const narrow = ['top', '--once', '--sort', 'passed', '--filter', 'drain', '--host', 'edge-7'];
  await matchesGolden(t, 'done-top-80', narrow, await run(narrow, 80));
  t.deepEqual(asked, [
    { v: 1, sort: 'packets', limit: 100 },
    { v: 1, host: 'edge-7', sort: 'passed', filter: 'drain', limit: 100 },
  ]);
  await nats.drain();
});
