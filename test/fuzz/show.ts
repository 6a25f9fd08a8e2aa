/** A difference as people read it. */
import { formatMac } from '../../agent/kernel/layout.ts';
import { formatAddress } from '../../protocol/address.ts';
import { shapeText } from '../../protocol/shape.ts';
import { readPacket } from '../reference/ip.ts';
import { readLink } from '../reference/link.ts';
import type { Key } from '../reference/state.ts';
import type { Difference } from './compare.ts';
import { matchOfKey } from './encode.ts';
import type { Written, WrittenState } from './states.ts';
import { Tally } from './tally.ts';

const BYTES_A_LINE = 16;

export function showDifference(difference: Difference): string {
  const { state, frame } = difference;
  const lines = [
    `a frame of ${frame.length} bytes, in by interface ${state.ingress}:`,
    ...indent([...hexLines(frame), readAs(frame)]),
    'what is written:',
    ...indent(stateLines(state)),
    ...indent(state.entries.map((entry) => entryLine(entry, state))),
    ...answers(difference),
  ];
  return lines.join('\n');
}

function answers({ frame, wanted, found, counted }: Difference): string[] {
  const tally = new Tally();
  tally.addAnswer(wanted);
  const bytes = (data: Uint8Array) => (Buffer.compare(data, frame) === 0 ? ['the frame as it was'] : hexLines(data));
  return [
    `the reference: ${wanted.xdp}; counts ${tally}`,
    ...indent(bytes(wanted.bytes)),
    `the program: ${found.xdp}; counts ${counted}`,
    ...indent(bytes(found.data)),
  ];
}

function stateLines({ table, shapes, control, protect, zones, ports, strays, now }: WrittenState): string[] {
  const lists = ([4, 6] as const).flatMap((family) =>
    shapes[family].map((list, which) => `shapes${family}[${which}]: ${list.map(shapeText).join('; ')}`),
  );
  const words = Object.entries(control).map(([name, value]) => `${name} ${value}`);
  const zonesOf = zones.flatMap((ifindex, zone) => (ifindex === 0 ? [] : [`${zone} is interface ${ifindex}`]));
  return [
    ...lists.filter((line) => !line.endsWith(': ')),
    `control: ${words.join(', ')}; zones: ${zonesOf.join(', ') || 'none'}; ports: ${ports.join(', ') || 'none'}; now ${now}`,
    ...protect.lists.flatMap((list, which) =>
      list.map((key) => `protected[${which}] (live ${protect.live}): ${fieldsOf(key)}`),
    ),
    ...(table === undefined
      ? []
      : [`tables, of which half ${table.live[4]} is live for IPv4, ${table.live[6]} for IPv6`]),
    ...strays.map((key) => `a stranger's key ${Buffer.from(key).toString('hex')}`),
  ];
}

function entryLine({ key, value, wrongBit }: Written, { now }: WrittenState): string {
  const zone = key.zone === 0 ? [] : [`in zone ${key.zone}`];
  const until = value.until === 0n ? [] : [`ends ${value.until - now} jiffies from now`];
  const send = [
    `egress ${value.egress}`,
    `mtu ${value.mtu}`,
    `to ${formatMac(value.target)}`,
    `from ${formatMac(value.source)}`,
  ];
  const rest = [
    `slot ${value.slot}`,
    ...until,
    ...(value.keepTtl ? ['keeps the TTL'] : []),
    ...(value.guarded ? ['is guarded'] : []),
  ];
  const wrong = wrongBit === undefined ? [] : [`bit ${wrongBit} of its value is wrong`];
  return `${[fieldsOf(key), ...zone].join(' ')}: ${[value.action, ...(value.action === 'send' ? send : []), ...rest, ...wrong].join(', ')}`;
}

function fieldsOf(key: Key): string {
  return Object.entries(matchOfKey(key))
    .map(([field, of]) => `${field} ${of}`)
    .join(' ');
}

/** What the reference sees in it. */
function readAs(frame: Uint8Array): string {
  const link = readLink(frame);
  const isIp = link.carries === 'IPv4' || link.carries === 'IPv6';
  const packet = isIp ? readPacket(link) : undefined;
  const vlans = link.vlans.length > 0 ? `tags ${link.vlans.join(', ')}; ` : '';
  if (packet === undefined) return `read as: ${vlans}${isIp ? `broken ${link.carries}` : link.carries}`;
  const { length, hops, src, dst, proto = 'unknown', ports } = packet;
  const between = `${formatAddress(src)} > ${formatAddress(dst)}`;
  const end = ports === undefined ? 'no ports' : `ports ${ports.sport} > ${ports.dport}`;
  return `read as: ${vlans}${link.carries} of ${length} bytes, ${hops} hops left, ${between}, protocol ${proto}, ${end}`;
}

function hexLines(bytes: Uint8Array): string[] {
  const count = Math.ceil(bytes.length / BYTES_A_LINE);
  return Array.from({ length: count }, (_, line) => {
    const some = [...bytes.subarray(line * BYTES_A_LINE, (line + 1) * BYTES_A_LINE)];
    return some.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  });
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
