import type { NextHopNow } from '../../protocol/explain.ts';
import type { Cell } from './table.ts';

const HOPS: Readonly<Record<NextHopNow['state'], (hop: NextHopNow) => string>> = {
  resolved: ({ gateway, mac }) => `${gateway === undefined ? '' : `${gateway} is `}${mac}`,
  asking: ({ gateway }) => `${gateway} is being asked for its MAC address`,
  failed: ({ gateway }) => `${gateway} does not answer address resolution`,
  'no-route': () => 'no route leads out of this host to it',
  'no-interface': ({ interface: name }) => `there is no interface ${name}`,
};

/** Writes where packets would go now, and what keeps them. */
export function nextHopText(hop: NextHopNow): string {
  const { state, interface: name, up, takesRedirects, mtu } = hop;
  const where = name === undefined || state === 'no-interface' ? '' : ` on ${name}`;
  const size = mtu === undefined ? '' : `, MTU ${mtu}`;
  return `${HOPS[state](hop)}${where}${size}${up === false ? DOWN : ''}${takesRedirects === false ? DEAF : ''}`;
}

const DOWN = '; the interface is down';
const DEAF = '; the interface does not send redirected frames';

export function nextHopCell(hop: NextHopNow | null): Cell {
  if (hop === null) return '-';
  const good = hop.state === 'resolved' && hop.up !== false && hop.takesRedirects !== false;
  return { text: nextHopText(hop), tone: good ? 'good' : 'bad' };
}
