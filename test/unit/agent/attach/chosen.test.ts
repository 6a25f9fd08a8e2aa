import test from 'ava';
import { choose, isMeant, requireRoom } from '../../../../agent/attach/chosen.ts';
import { link } from './links.ts';

const NONE: ReadonlySet<number> = new Set();
const LINKS = [
  link(1, 'lo', { flags: 0x9, type: 772 }),
  link(2, 'eth0'),
  link(3, 'eth1', { xdpMode: 1, xdpProgramId: 77 }),
  link(4, 'eth2', { master: 6 }),
  link(5, 'eth3', { master: 7 }),
  link(6, 'br0', { kind: 'bridge' }),
  link(7, 'bond0', { kind: 'bond' }),
  link(8, 'tun0', { kind: 'tun', type: 65534 }),
  link(9, 'tap0', { kind: 'tun' }),
  link(10, 'eth4', { master: 11 }),
  link(11, 'vrf0', { kind: 'vrf' }),
  link(12, 'wg0', { kind: 'wireguard', type: 65534 }),
];
const chosen = (interfaces: readonly string[], allEthernet = false, held = NONE) =>
  choose({ interfaces, allEthernet }, LINKS, held);

const FOREIGN = 'it carries another XDP program (id 77), which Shunt never replaces';
const SKIPPED: Readonly<Record<string, string>> = {
  lo: 'it is the loopback: nothing comes in by it from outside',
  eth1: FOREIGN,
  eth2: 'it is a port of the bridge br0',
  eth3: 'it is a member of the bond bond0',
  tun0: 'it is no Ethernet (tun)',
  tap0: 'it is a tap: a program, such as a virtual machine, is at its other end',
  wg0: 'it is no Ethernet (wireguard)',
};

test('chosen: every Ethernet interface, but for what is left alone, each with its reason', (t) => {
  const { names, skipped, waiting } = chosen([], true);
  t.deepEqual(names, ['eth0', 'br0', 'bond0', 'eth4', 'vrf0']);
  t.deepEqual(Object.fromEntries(skipped.map(({ name, why }) => [name, why])), SKIPPED);
  t.deepEqual(waiting, []);
});

test('chosen: what is named as it is, is meant whatever it is, and comes first', (t) => {
  t.deepEqual(chosen(['tun0', 'eth*', 'lo', 'eth2', 'eth2']).names, ['tun0', 'lo', 'eth2', 'eth0', 'eth4']);
  t.deepEqual(
    chosen(['tun0', 'eth*', 'lo', 'eth2']).skipped.map(({ name }) => name),
    ['eth1', 'eth3'],
  );
});

test('chosen: what has our program already is not somebody else’s', (t) => {
  t.deepEqual(chosen(['eth[01]'], false, new Set([3])).names, ['eth0', 'eth1']);
});

test('chosen: names and patterns for which nothing is there wait', (t) => {
  t.deepEqual(chosen(['eth9', 'veth*', 'eth0', 'tun?', 'e*']).waiting, ['eth9', 'veth*', 'tun?']);
  t.deepEqual(choose({ interfaces: [], allEthernet: true }, LINKS.slice(0, 1), NONE).waiting, ['--all-ethernet']);
});

const MATCHES: readonly (readonly [pattern: string, name: string, meant: boolean])[] = [
  ['eth*', 'eth0', true],
  ['eth*', 'eth', true],
  ['eth*', 'veth0', false],
  ['*', 'eth0.5', true],
  ['eth?', 'eth0', true],
  ['eth?', 'eth10', false],
  ['eth[0-2]', 'eth2', true],
  ['eth[0-2]', 'eth3', false],
  ['eth[!0]', 'eth0', false],
  ['eth[!0]', 'eth7', true],
  ['en.*', 'enp3', false],
  ['en.*', 'en.5', true],
  ['a+b*', 'a+b1', true],
  ['a+b*', 'aab1', false],
  ['eth[0', 'eth[0', true],
  ['eth0', 'eth0', true],
  ['eth0', 'eth01', false],
];
for (const [pattern, name, meant] of MATCHES)
  test(`chosen: ${pattern} ${meant ? 'means' : 'does not mean'} ${name}`, (t) => {
    t.is(isMeant({ interfaces: [pattern], allEthernet: false }, name), meant);
  });

test('chosen: sixteen have no room, and are said', (t) => {
  const names = Array.from({ length: 15 }, (_, at) => `v${at}`);
  t.notThrows(() => requireRoom(names, names));
  const list = [...names, 'w'].join(', ');
  t.throws(() => requireRoom(names, ['w']), {
    message: `16 interfaces would have the program, and there is room for 15: ${list}; nothing was attached; name fewer, or by a narrower pattern`,
  });
});
