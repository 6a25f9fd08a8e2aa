/** A host with two links, inside a namespace of its own, and the commands that change it. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

export const MAC = '02:00:00:00:00:01';
export const STRANGER_MAC = '02:00:00:00:00:66';
const GATEWAY_MAC = '02:00:00:00:00:09';

export const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
export const batch = (lines: string): string => execFileSync('ip', ['-batch', '-'], { input: lines, encoding: 'utf8' });
/** Sets a kernel setting below /proc/sys/net. */
export const set = (path: string, value: number): void => writeFileSync(`/proc/sys/net/${path}`, `${value}`);

/**
 * The links b0 (MAC) and b1, whose far ends are a0 and a1: addresses `.1`, and with a MAC each a gateway `.9` and `fe80::9`,
 * and a stranger `.66` and `fe80::66`.
 */
export function makeTwoLinks(): void {
  for (const which of ['all', 'default']) {
    set(`ipv4/conf/${which}/rp_filter`, 0);
    set(`ipv6/conf/${which}/accept_dad`, 0);
    set(`ipv4/conf/${which}/accept_redirects`, 1);
    set(`ipv6/conf/${which}/accept_redirects`, 1);
  }
  for (const n of [0, 1]) {
    ip('link', 'add', `b${n}`, 'address', `02:00:00:00:0${n}:01`, 'type', 'veth', 'peer', `a${n}`);
    set(`ipv6/conf/a${n}/disable_ipv6`, 1);
  }
  ip('link', 'set', 'lo', 'up'); // what a blackhole stands on
  batch([0, 1].flatMap(linesOf).join('\n'));
}

function linesOf(n: number): string[] {
  const [v4, v6] = [`192.0.${2 + n}`, `2001:db8:${n}:`];
  const neighbour = (mac: string) => (to: string) => `neighbour add ${to} lladdr ${mac} nud permanent dev b${n}`;
  return [
    `link set b${n} up`,
    `link set a${n} up`,
    `address add ${v4}.1/24 dev b${n}`,
    `address add ${v6}:1/64 dev b${n} nodad`,
    ...[`${v4}.9`, `${v6}:9`, 'fe80::9'].map(neighbour(GATEWAY_MAC)),
    ...[`${v4}.66`, 'fe80::66'].map(neighbour(STRANGER_MAC)),
  ];
}
