/**
 * Ten troubles, each planted in the cluster of `./dev up`: what an operator reads of it at 80 columns, in one command each that
 * names no host. What is said is kept in test/golden/cli/planted-*.txt.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Cluster } from '../support/cluster.ts';
import type { Ended } from '../support/process.ts';
import { shuntCommand } from '../support/testbed.ts';
import { matchesGoldens } from '../unit/cli/golden.ts';

const HOSTS = 3;
const TEST_MS = 30 * 60_000;
const MATCH = { dst: '203.0.113.10', proto: 'udp', dport: 4433 };
const TO_C = { nexthop: '198.51.100.30' };
/** Nobody has it. */
const NOBODY = { nexthop: '198.51.100.77' };

interface Trouble {
  readonly name: string;
  /** What is asked for. */
  readonly redirects: readonly object[];
  readonly plant?: (cluster: Cluster) => Promise<unknown>;
  readonly mend?: (cluster: Cluster) => Promise<unknown>;
  /** What `get` says by then. */
  readonly get: RegExp;
  /** What `hosts` says of it. */
  readonly hosts: RegExp;
  /** What `explain NAME` says. */
  readonly explain: RegExp;
}

const web = (more: object = {}): object => ({ name: 'web', hosts: { role: 'edge' }, match: MATCH, to: TO_C, ...more });

/** The folder of the pins of a host, as its own commands take it. */
const pinsOf = (cluster: Cluster, host: string): readonly string[] => ['--pin-root', join(cluster.folder(host), 'bpf')];

function onEdge1(cluster: Cluster, ...words: readonly string[]): Promise<string> {
  return cluster.at('edge-1', ...shuntCommand([...words, ...pinsOf(cluster, 'edge-1')]));
}

const TROUBLES: readonly Trouble[] = [
  {
    name: 'c-off',
    redirects: [web()],
    plant: (cluster) => cluster.at('c', 'ip', 'link', 'set', 'eth0', 'down'),
    mend: (cluster) => cluster.at('c', 'ip', 'link', 'set', 'eth0', 'up'),
    get: /0\/3 +blocked NO_NEIGHBOUR on 3/,
    hosts: /edge-2.*blocked NO_NEIGHBOUR web.*3 in trouble/s,
    explain: /blocked NO_NEIGHBOUR on edge-1, edge-2, edge-3/,
  },
  {
    name: 'wrong-interface',
    redirects: [web({ hosts: ['edge-2'], to: { interface: 'eth9', mac: '02:00:00:00:00:09' } })],
    get: /0\/1 +blocked NO_INTERFACE/,
    hosts: /edge-2.*blocked NO_INTERFACE web.*1 in trouble/s,
    explain: /blocked NO_INTERFACE on edge-2/,
  },
  {
    name: 'no-neighbour',
    redirects: [web({ hosts: ['edge-1', 'edge-3'], to: NOBODY })],
    get: /0\/2 +blocked NO_NEIGHBOUR on 2/,
    hosts: /edge-3.*blocked NO_NEIGHBOUR web.*2 in trouble/s,
    explain: /blocked NO_NEIGHBOUR on edge-1, edge-3/,
  },
  {
    name: 'expired',
    redirects: [web({ expires: new Date(Date.now() - 3_600_000).toISOString() })],
    get: /0\/3 +expired/,
    hosts: /3 hosts: 3 ok/,
    explain: /expired on edge-1, edge-2, edge-3/,
  },
  {
    name: 'bypass',
    redirects: [web()],
    plant: (cluster) => onEdge1(cluster, 'bypass', 'on'),
    mend: (cluster) => onEdge1(cluster, 'bypass', 'off'),
    get: /2\/3 +bypass/,
    hosts: /edge-1.*bypass/is,
    explain: /bypass/i,
  },
  {
    name: 'agent-ended',
    redirects: [web()],
    plant: (cluster) => cluster.signal('edge-2', 'agent', 'SIGTERM'),
    mend: (cluster) => cluster.startAgain('edge-2', 'agent'),
    get: /2\/3 +agent ended on 1/,
    hosts: /edge-2.*ended/is,
    explain: /no answer from edge-2/,
  },
  {
    name: 'host-silent',
    redirects: [web()],
    plant: (cluster) => cluster.at('edge-3', 'ip', 'link', 'set', 'eth0', 'down'),
    mend: (cluster) => cluster.at('edge-3', 'ip', 'link', 'set', 'eth0', 'up'),
    get: /2\/3 +silent on 1 +≥/,
    hosts: /edge-3.*silent/is,
    explain: /no answer from edge-3/,
  },
  {
    name: 'shadowed',
    redirects: [web(), { ...web(), name: 'web-west', hosts: { site: 'west' }, priority: 5, to: 'drop' }],
    get: /1\/3 +shadowed/,
    hosts: /3 hosts: 3 ok/,
    explain: /shadowed.*web-west/s,
  },
  {
    name: 'program-missing',
    redirects: [web()],
    plant: (cluster) => onEdge1(cluster, 'detach', '--interface', 'eth0'),
    mend: (cluster) => onEdge1(cluster, 'attach', '--interface', 'eth0', '--mode', 'generic', '--owner', 'nobody'),
    get: /2\/3 +(unattached|blocked NOT_ATTACHED)/,
    hosts: /edge-1.*NOT_ATTACHED/s,
    explain: /NOT_ATTACHED on edge-1/,
  },
];

/** Times, revisions, rates and ids are others each time; how wide a column is may depend on them, and whether `target` is cut. */
function lasting({ status, stdout, stderr }: Ended, target = TO_C.nexthop) {
  const still = (text: string): string =>
    text
      .replaceAll(/\b[0-9a-f]{8}\b/g, '<change>')
      .replaceAll(/\b\d{4}-\d\d-\d\d[ T][\d:.]+Z?/g, '<date>')
      .replaceAll(/nats:\/\/127\.0\.0\.1:\d+/g, 'nats://<bus>')
      .replaceAll(/\b(\d+(\.\d+)?(ms|s|m|h))+\b/g, '<time>')
      .replaceAll(/\d+\/\d+ +\d+ +\d+ +(\d+\/\d+)/g, '<rev>  $1')
      .replaceAll(/[>≥]?(\d[\d.]*k?|-) +<time>( +expired)?$/gm, '<rate>  <time>$2')
      .replaceAll(/counted +\d+ packets/g, 'counted  <many> packets')
      .replaceAll(/role=edge,\S+/g, '<labels>')
      .replaceAll(/eth9 02:[\d:]+…?/g, 'eth9 <mac>')
      .replaceAll('198.51.100.…', target)
      .replaceAll(/ {2,}/g, '  ');
  return { exit: status, stdout: still(stdout), stderr: still(stderr.replaceAll('\n  ', ' ')) };
}

async function tell(t: ExecutionContext, cluster: Cluster, trouble: Trouble): Promise<void> {
  const { name, redirects, plant, mend, get, hosts, explain } = trouble;
  const file = join(cluster.folder('bus'), 'redirects.jsonl');
  await writeFile(file, redirects.map((one) => `${JSON.stringify(one)}\n`).join(''));
  t.is((await cluster.shunt('apply', '-f', file)).status, 0, name);
  if (plant !== undefined) await cluster.until(`${name}: stands first`, /3\/3/, 'get');
  await plant?.(cluster);
  await cluster.until(`${name}: get says so`, get, 'get');
  await cluster.until(`${name}: hosts says so`, hosts, 'hosts');
  const sessions: [readonly string[], ReturnType<typeof lasting>][] = [];
  for (const words of [['get'], ['hosts'], ['explain', 'web'], ['delete', 'web', '--wait', '--timeout', '4s']]) {
    const ended = await cluster.shunt(...words);
    for (const line of `${ended.stdout}${ended.stderr}`.split('\n')) t.true(line.length <= 80, line);
    sessions.push([words, lasting(ended, trouble.name === 'no-neighbour' ? NOBODY.nexthop : TO_C.nexthop)]);
  }
  const [, , explained] = sessions.map(([, { stdout, stderr }]) => stdout + stderr);
  t.regex(explained ?? '', explain, name);
  await matchesGoldens(t, `planted-${name}`, sessions);
  await mend?.(cluster);
  for (const { name: left } of redirects.slice(1) as readonly { name: string }[]) await cluster.shunt('delete', left);
  await cluster.until(`${name}: all is well again`, /3 hosts: 3 ok/, 'hosts');
}

test.serial('troubles: each is named, with its host, by commands that name none', async (t) => {
  t.timeout(TEST_MS);
  await using cluster = await Cluster.start(HOSTS);
  await cluster.until('all hosts', /3 hosts: 3 ok/, 'hosts');
  for (const trouble of TROUBLES) await tell(t, cluster, trouble);
  await cluster.signal('bus', 'controller', 'SIGKILL');
  const sessions: [readonly string[], ReturnType<typeof lasting>][] = [];
  for (const words of [['get'], ['hosts'], ['explain', 'web'], ['delete', 'web', '--wait']]) {
    const ended = await cluster.shunt(...words);
    t.is(ended.status, 4, words.join(' '));
    sessions.push([words, lasting(ended)]);
  }
  await matchesGoldens(t, 'planted-controller-dead', sessions);
});
