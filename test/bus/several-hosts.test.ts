import test from 'ava';
import { encodeAskError, encodeDump } from '../../protocol/ask.ts';
import { encodeExplanation } from '../../protocol/explain.ts';
import { encodeGetReply, encodeHostsReply, parseGetRequest } from '../../protocol/listings.ts';
import { encodeStats } from '../../protocol/stats.ts';
import { encodeStatus } from '../../protocol/status.ts';
import { matchesGolden } from '../unit/cli/golden.ts';
import { Bench, fixture, narrow } from './bench.ts';

const HOSTS = ['edge-1', 'edge-2', 'edge-10'];

/** Two hosts of `zone: a` that answer, and one of another zone that does not. */
async function fleet(bench: Bench): Promise<void> {
  const [item] = fixture('hosts-reply').items;
  const items = HOSTS.map((host) => ({ ...item, host, labels: { zone: host === 'edge-10' ? 'b' : 'a' } }));
  await bench.answers('shunt.v1.api.hosts', () => encodeHostsReply({ v: 1, items, next: null }));
  for (const host of HOSTS.slice(0, 2)) {
    await bench.answers(`shunt.v1.ask.${host}.status`, () => encodeStatus({ ...fixture('status'), host }));
    await bench.answers(`shunt.v1.ask.${host}.stats`, () => encodeStats({ ...fixture('stats'), host }));
    await bench.answers(`shunt.v1.ask.${host}.dump`, () => encodeDump({ ...fixture('dump'), host, next: null }));
  }
}

for (const verb of ['status', 'stats', 'dump']) {
  test(`${verb}: several hosts are asked by name, by labels, or all; who does not answer is named`, async (t) => {
    await using bench = await Bench.open();
    await fleet(bench);
    const ask = async (...words: readonly string[]) => {
      const { exit, stdout, stderr } = await bench.shunt([verb, ...words, '-o', 'json']);
      const { items, failed } = JSON.parse(stdout) as { items: { host: string }[]; failed: { host: string }[] };
      return { exit, stderr, hosts: items.map(({ host }) => host), failed: failed.map(({ host }) => host) };
    };
    const well = { exit: 0, stderr: '', hosts: ['edge-1', 'edge-2'], failed: [] };
    t.deepEqual(await ask('--host', 'edge-1', '--host', 'edge-2', '--host', 'edge-1'), well);
    t.deepEqual(await ask('-l', 'zone=a'), well);
    const all = await ask('--all');
    t.like(all, { exit: 3, hosts: ['edge-1', 'edge-2'], failed: ['edge-10'] });
    t.regex(all.stderr, /^note: no answer from edge-10: no agent answers for host edge-10/);
    const { stdout } = await bench.shunt([verb, '-l', 'zone=a'], narrow());
    t.regex(stdout, /edge-1.*\n\n.*edge-2/s);
    const one = JSON.parse((await bench.shunt([verb, '--host', 'edge-1', '-o', 'json'])).stdout);
    t.is(one.host, 'edge-1', 'one that is named is answered as ever');
  });

  test(`${verb}: hosts that are named in two ways, or not at all, are refused`, async (t) => {
    await using bench = await Bench.open();
    await fleet(bench);
    const said = async (...words: readonly string[]) => {
      const { exit, stderr } = await bench.shunt([verb, ...words]);
      return [exit, stderr.trimEnd()];
    };
    const both = `shunt ${verb}: --host and --all: each says which hosts; leave one of them out`;
    t.deepEqual(await said('--host', 'edge-1', '--all'), [2, both]);
    t.is((await said('-l', 'zone=a', '--all'))[0], 2);
    t.is((await said('--host', 'edge-1', '-l', 'zone=a'))[0], 2);
    t.is((await said('-l', ''))[0], 2);
    t.is((await said('--host', 'edge-1', '--host', ''))[0], 2);
    t.deepEqual(await said('-l', 'zone=c'), [1, `shunt ${verb}: no host has zone=c; see shunt hosts`]);
  });
}

test('explain: over the fleet, equal answers are one line, the worst first; who does not answer is named', async (t) => {
  await using bench = await Bench.open();
  const [item] = fixture('get-reply').items;
  const hosts = Array.from({ length: 12 }, (_, at) => `edge-${at}`);
  const spec = { ...item.spec, expires: undefined, idle: undefined };
  const web = { ...item, spec, hosts, hostsTotal: 12, live: undefined };
  await bench.answers('shunt.v1.api.get', (data) => {
    const { name = web.spec.name } = parseGetRequest(data);
    return encodeGetReply({ v: 1, items: name === web.spec.name ? [web] : [], next: null });
  });
  const { code: _, errno: __, retryAt: ___, ...reply } = fixture('explain-reply');
  const blocked = {
    state: 'blocked',
    code: 'NO_NEIGHBOUR',
    nexthop: { ...reply.nexthop, state: 'failed' },
    packets: '0',
  };
  const detached = { problems: [{ code: 'NOT_ATTACHED', since: 1, detail: 'eth0: its program is gone' }] };
  const said: Record<string, object | undefined> = { 'edge-3': blocked, 'edge-4': blocked, 'edge-5': { bypass: true } };
  for (const host of hosts.slice(0, 10)) {
    const own = host === 'edge-6' ? detached : said[host];
    const answer = { ...reply, state: 'installed', bypass: false, problems: undefined, ...own, host };
    await bench.answers(`shunt.v1.ask.${host}.explain`, () => encodeExplanation(answer));
  }
  const error = { code: 'UNKNOWN_REDIRECT', message: 'there is no redirect of that name on this host' };
  await bench.answers('shunt.v1.ask.edge-10.explain', () => encodeAskError({ v: 1, host: 'edge-10', error }));
  const words = ['explain', 'drain-web-2'];
  const session = await bench.shunt(words, narrow());
  t.is(session.exit, 3);
  await matchesGolden(t, 'done-explain-fleet-80', words, session);
  const json = JSON.parse((await bench.shunt([...words, '-o', 'json'])).stdout);
  t.deepEqual(
    json.groups.map(({ state, code, by, hosts: all }: Record<string, unknown>) => [
      state,
      code ?? by,
      (all as []).length,
    ]),
    [
      ['blocked', 'NO_NEIGHBOUR', 2],
      ['bypass', undefined, 1],
      ['unattached', 'NOT_ATTACHED', 1],
      ['pending', undefined, 1],
      ['unsent', 'AGENT_TOO_OLD', 1],
      ['shadowed', 'drain-web-1', 1],
      ['installed', undefined, 6],
    ],
  );
  t.is(json.answers.length, 10);
  const { key } = reply;
  const byKey = await bench.shunt(['explain', 'v4 udp 198.51.100.0/24:* > 203.0.113.10/32:443 in eth0'], narrow());
  t.is(byKey.stdout, session.stdout, key);
  const nokey = await bench.shunt(['explain', 'v4 any 10.0.0.0/8:* > 0.0.0.0/0:*']);
  t.is(nokey.exit, 1);
  t.regex(nokey.stderr, /no redirect has the key v4 any/);
  const unknown = await bench.shunt(['explain', 'nosuch']);
  t.is(unknown.stderr, 'shunt explain: there is no redirect nosuch; see shunt get\n');
});

test('explain: all hosts that answer are done with 0, whatever they say; one of no host says so', async (t) => {
  await using bench = await Bench.open();
  const [item] = fixture('get-reply').items;
  let hosts = ['edge-7'];
  const plain = { ...item, shadowed: [], shadowedTotal: 0, notSent: undefined, notSentTotal: undefined };
  await bench.answers('shunt.v1.api.get', () => {
    return encodeGetReply({ v: 1, items: [{ ...plain, hosts, hostsTotal: hosts.length }], next: null });
  });
  await bench.answers('shunt.v1.ask.edge-7.explain', () => encodeExplanation(fixture('explain-reply')));
  const { exit, stdout } = await bench.shunt(['explain', 'drain-web-2']);
  t.is(exit, 0);
  t.regex(stdout, /live +installed on 0 of 1\n/);
  hosts = [];
  t.regex((await bench.shunt(['explain', 'drain-web-2'])).stdout, /\n\nfor no host that is known\n$/);
});
