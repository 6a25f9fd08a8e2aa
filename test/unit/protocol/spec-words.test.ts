import test from 'ava';
import { judgeSpec } from '../../../protocol/spec.ts';

const PLAIN = { name: 'a', hosts: 'all', match: { dst: '203.0.113.10' }, to: 'drop' };

type Row = readonly [path: string, value: unknown, hint: RegExp];

/** What other tools take, and the one thing that is said of it. */
const MATCHES: readonly Row[] = [
  ['dst', '203.0.113.10/255.255.255.0', /; write 203\.0\.113\.0\/24$/],
  ['dst', '203.0.113.0/255.255.255.0', /; write 203\.0\.113\.0\/24$/],
  ['src', '10.0.0.0/255.0.0.0', /; write 10\.0\.0\.0\/8$/],
  ['src', '10.0.0.0/255.0.255.0', /is not an address or a prefix$/],
  ['dst', '203.0.113.10:443', /; write 203\.0\.113\.10, and dport: 443$/],
  ['src', '203.0.113.10:443', /; write 203\.0\.113\.10, and sport: 443$/],
  ['dst', '[2001:db8::1]:443', /; write 2001:db8::1, and dport: 443$/],
  ['dst', '[2001:db8::1]', /; write 2001:db8::1$/],
  ['dst', '203.0.113.*', /; write 203\.0\.113\.0\/24$/],
  ['dst', '10.*.*.*', /; write 10\.0\.0\.0\/8$/],
  ['dst', '10.0.0.1-10.0.0.9', /; write a redirect for each$/],
  ['dst', '10.0.0.1, 10.0.0.9', /; write a redirect for each$/],
  ['dst', 'any', /; leave it out for any$/],
  ['src', '*', /; leave it out for any$/],
  ['dst', 'web-2.example.com', /; names are not looked up: write its address$/],
  ['dport', 'https', /; write 443$/],
  ['dport', 'DNS', /; write 53$/],
  ['dport', '443/udp', /; write 443$/],
  ['dport', 'any', /; leave it out for any$/],
  ['dport', ':443', /; write 443$/],
  ['sport', '443', /; write 443$/],
  ['proto', 'sctp', /; write 132$/],
  ['proto', 'GRE', /; write 47$/],
  ['proto', 'any', /; leave it out for any$/],
  ['proto', 'all', /; leave it out for any$/],
  ['proto', 'tcp,udp', /; write a redirect for each$/],
  ['proto', 'both', /; write a redirect for each$/],
];

for (const [field, value, hint] of MATCHES) {
  test(`words: match.${field} ${value} is answered with what to write`, (t) => {
    const match = { dst: '203.0.113.9', ...(/port$/.test(field) && { proto: 'udp' }), [field]: value };
    const { faults } = judgeSpec({ ...PLAIN, match });
    t.regex(faults[0]?.reason ?? '', hint);
    t.is(faults.length, 1);
  });
}

const REST: readonly Row[] = [
  ['hosts', 'edge-*', /; patterns are not known: write labels, as \{ role: edge \}, or all$/],
  ['hosts', ['edge-*'], /; patterns are not known: write labels, as \{ role: edge \}, or all$/],
  ['hosts', ['*'], /; write all, without a list$/],
  ['hosts', { role: ['edge', 'core'] }, /; write a redirect for each$/],
  ['hosts', { role: '*' }, /; patterns are not known/],
  ['to', 'reject', /; nothing is answered here: write drop$/],
  ['to', { interface: 'eth1', mac: '02-00-00-00-00-01' }, /; write "02:00:00:00:00:01"$/],
  ['to', { interface: 'eth1', mac: '0200.0000.00AB' }, /; write "02:00:00:00:00:ab"$/],
  ['to', { interface: 'eth1', mac: '020000000001' }, /; write "02:00:00:00:00:01"$/],
  ['to', { interface: 'eth1', mac: '2:0:0:0:0:1' }, /; write "02:00:00:00:00:01"$/],
  ['to', { nexthop: '10.0.0.7/32' }, /; write 10\.0\.0\.7$/],
  ['to', { nexthop: '10.0.0.7/24' }, /; write 10\.0\.0\.7$/],
  ['to', { nexthop: '10.0.0.0/24' }, /; a prefix is no station$/],
  ['to', { nexthop: 'fe80::7%eth1' }, /; write fe80::7, and interface: eth1$/],
  ['match', { dst: '198.51.100.7/24' }, /did you mean 198\.51\.100\.0\/24\?$/],
  ['to', { nexthop: '10.0.0.7:80' }, /; write 10\.0\.0\.7$/],
  ['to', { nexthop: ['10.0.0.7', '10.0.0.8'] }, /expected one address, not a list$/],
  ['to', { nexthop: 'web-2' }, /; names are not looked up: write its address$/],
];

for (const [field, value, hint] of REST) {
  test(`words: ${field} ${JSON.stringify(value)} is answered with what to write`, (t) => {
    const { faults } = judgeSpec({ ...PLAIN, [field]: value });
    t.regex(faults[0]?.reason ?? '', hint);
    t.is(faults.length, 1);
  });
}

/** What is not offered is said before anything that such an action would need. */
const NOT_OFFERED: readonly object[] = [
  { encap: 'gre' },
  { encap: 'ipip', remote: '192.0.2.2' },
  { encap: 'gre', remot: '192.0.2.2', nexthop: '10.0.0.7' },
  { rewrite: { destination: '203.0.113.11' } },
  { rewrite: 'dst' },
  { rewrite: {}, reply: 'maybe' },
  { remote: '192.0.2.2' },
  { tunnel: 'gre' },
  { dnat: '203.0.113.11' },
];

for (const to of NOT_OFFERED) {
  test(`words: to ${JSON.stringify(to)} is not offered, and nothing else is said`, (t) => {
    const { faults } = judgeSpec({ ...PLAIN, to });
    t.is(faults.length, 1);
    t.is(faults[0]?.code, 'NOT_SUPPORTED');
    t.regex(faults[0]?.reason ?? '', /^(encap|rewrite) is not offered by this version; use nexthop/);
  });
}

test('words: fields that are known are those that are offered', (t) => {
  const { faults } = judgeSpec({ ...PLAIN, to: { nexthop: '10.0.0.7', weight: 3 } });
  t.deepEqual(
    faults.map(({ reason }) => reason),
    ['unknown field; known here: nexthop, interface, mac, ttl'],
  );
});

/** A field by another word is one fault; what would follow from its absence is none. */
const MISSPELT: readonly object[] = [
  { match: { destination: '203.0.113.10' } },
  { match: { saddr: '203.0.113.10' } },
  { match: { dst: '203.0.113.10', protocol: 'udp', dport: 443 } },
  { match: { dst: '203.0.113.10', proto: 'udp', destination_port: 443 } },
  { match: { destination: '203.0.113.10' }, to: { nexthop: '10.0.0.7' } },
  { to: { via: '10.0.0.7' } },
  { to: { 'next-hop': '10.0.0.7' } },
  { to: { via: '10.0.0.7', interface: 'eth1' } },
  { to: { interface: 'eth1', lladdr: '02:00:00:00:00:01' } },
  { idle: { timeout: '10m' } },
];

for (const more of MISSPELT) {
  test(`words: ${JSON.stringify(more)} is one fault, with the word that is known`, (t) => {
    const { faults } = judgeSpec({ ...PLAIN, ...more });
    t.deepEqual(
      faults.map(({ code }) => code),
      ['UNKNOWN_FIELD'],
    );
    t.regex(faults[0]?.reason ?? '', /did you mean [a-z]+\?$/);
  });
}
