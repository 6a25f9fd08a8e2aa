import test from 'ava';
import { Loops } from '../../../../controller/compile/loops.ts';
import { type Claim, claimOf } from '../../../../controller/model/claim.ts';
import { doorsOf } from '../../../../controller/model/doors.ts';
import { Fleet } from '../../../../controller/model/fleet.ts';
import { parseSpec } from '../../../../protocol/spec.ts';

const HOSTS = ['b', 'c', 'd'];
/** Each host has one interface; packets for 10.0.0.1 come to b, for 10.0.0.2 to c, for 10.0.0.3 to d. */
const STATUSES = HOSTS.map((host, at) => {
  return {
    host,
    interfaces: [
      { name: 'eth0', zone: 1, ifindex: 2, up: true, mode: 'native' as const, addresses: [`10.0.0.${at + 1}`] },
    ],
  };
});
const FLEET = new Fleet(HOSTS.map((host) => ({ host, labels: { role: 'edge' }, known: true, can: [] })));

function claim(name: string, on: string | object, to: string | object, match: object = { dst: '203.0.113.10' }): Claim {
  const hosts = typeof on === 'string' ? [on] : on;
  return claimOf(
    parseSpec({ name, hosts, match, to: typeof to === 'string' && to.startsWith('10.') ? { nexthop: to } : to }),
  );
}

function loop(came: Claim, others: readonly Claim[], statuses = STATUSES, nowMs = 0) {
  const found = new Loops([came, ...others], FLEET, doorsOf(statuses), nowMs).of(came);
  return found && `${found.packet}: ${found.hosts.map((host, at) => `${host} ${found.names[at]}`).join(', ')}`;
}

const ROUND = [claim('on-c', 'c', '10.0.0.3'), claim('on-d', 'd', '10.0.0.1')];
const ANY = 'v4 254 0.0.0.0/32:* > 203.0.113.10/32:*';

test('loops: each the next hop of the one before, and back', (t) => {
  const came = claim('on-b', 'b', '10.0.0.2');
  t.is(loop(came, ROUND), `${ANY}: b on-b, c on-c, d on-d`);
  t.is(loop(came, [claim('on-c', 'c', '10.0.0.1')]), `${ANY}: b on-b, c on-c`);
  t.is(loop(claim('all', { role: 'edge' }, '10.0.0.2'), [claim('on-c', 'c', '10.0.0.1')]), `${ANY}: b all, c on-c`);
});

test('loops: what ends somewhere goes not round', (t) => {
  const came = claim('on-b', 'b', '10.0.0.2');
  t.is(loop(came, []), undefined);
  t.is(loop(came, [claim('on-c', 'c', '10.0.0.3')]), undefined);
  t.is(loop(came, [claim('on-c', 'c', '10.9.9.9')]), undefined, 'nobody says that he has it');
  t.is(loop(came, [claim('on-c', 'c', '10.0.0.1', { dst: '203.0.113.11' })]), undefined, 'another destination');
  t.is(loop(came, [claim('on-c', 'c', 'pass')]), undefined);
  t.is(loop(claim('all', { role: 'edge' }, '10.0.0.2'), []), undefined, 'c does not send to its own address');
  t.is(loop(claim('off', 'b', '10.0.0.2'), [{ ...(ROUND[0] as Claim), enabled: false }, ROUND[1] as Claim]), undefined);
});

test('loops: the most specific of each host decides, for a packet that is named', (t) => {
  const wide = claim('wide', 'b', '10.0.0.2', { dst: '203.0.113.0/24' });
  const narrow = { dst: '203.0.113.7', proto: 'udp', dport: 53 };
  const back = claim('back', 'c', '10.0.0.1', narrow);
  t.is(loop(wide, [back]), 'v4 udp 0.0.0.0/32:65000 > 203.0.113.7/32:53: b wide, c back');
  t.is(loop(wide, [back, claim('out', 'b', 'pass', narrow)]), undefined, 'b passes just those');
  t.is(
    loop(wide, [back, claim('end', 'c', 'drop', { ...narrow, sport: 9 })]),
    'v4 udp 0.0.0.0/32:65000 > 203.0.113.7/32:53: b wide, c back',
  );
  const ends = claim('ends', 'c', 'drop', { ...narrow, src: '0.0.0.0/1' });
  t.is(
    loop(wide, [back, ends]),
    'v4 udp 255.255.255.255/32:65000 > 203.0.113.7/32:53: b wide, c back',
    'the other half goes round',
  );
});

test('loops: a packet has to come in where the program is, and where the match says', (t) => {
  const came = claim('on-b', 'b', '10.0.0.2');
  const back = (match: object) => claim('on-c', 'c', '10.0.0.1', { dst: '203.0.113.10', ...match });
  t.is(loop(came, [back({ in: 'eth1' })]), undefined);
  t.is(loop(came, [back({ in: 'eth0' })]), `${ANY}: b on-b, c on-c`);
  const other = (more: object) =>
    STATUSES.map((one) => ({ ...one, interfaces: one.interfaces.map((it) => ({ ...it, ...more })) }));
  t.is(loop(came, [back({})], other({ attached: false })), undefined);
  t.is(
    loop(came, [back({})], other({ addresses: ['10.0.0.1', '10.0.0.2', '10.0.0.3'] })),
    undefined,
    'all of them say so',
  );
  t.is(loop(came, [back({})], other({ addresses: undefined })), undefined, 'agents of an older release');
});

test('loops: what is over goes nowhere', (t) => {
  const came = claimOf(
    parseSpec({ name: 'x', hosts: ['b'], match: { dst: '203.0.113.10' }, to: { nexthop: '10.0.0.2' }, expires: 5e12 }),
  );
  const back = [claim('on-c', 'c', '10.0.0.1')];
  t.truthy(loop(came, back, STATUSES, 4e12));
  t.is(loop(came, back, STATUSES, 6e12), undefined);
});
