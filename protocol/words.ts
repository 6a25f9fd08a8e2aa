import { formatAddress, formatPrefix, maskPrefix, parseAddress, parsePrefix } from './address.ts';

/** How a hint ends where one redirect says one thing. */
export const ONE_EACH = '; write a redirect for each';
export const LEAVE_OUT = '; leave it out for any';
const NO_PATTERNS = '; patterns are not known: write labels, as { role: edge }, or all';

/** IANA's numbers of protocols that have no name here, and of services that are asked for by name. */
const PROTOCOLS: Readonly<Record<string, number>> = {
  igmp: 2,
  ipip: 4,
  ipencap: 4,
  dccp: 33,
  ipv6: 41,
  rsvp: 46,
  gre: 47,
  esp: 50,
  ah: 51,
  eigrp: 88,
  ospf: 89,
  pim: 103,
  vrrp: 112,
  l2tp: 115,
  sctp: 132,
  udplite: 136,
  mpls: 137,
};
const SERVICES: Readonly<Record<string, number>> = {
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  dns: 53,
  http: 80,
  www: 80,
  ntp: 123,
  snmp: 161,
  bgp: 179,
  ldap: 389,
  https: 443,
  quic: 443,
  syslog: 514,
  submission: 587,
  ldaps: 636,
  imaps: 993,
  mysql: 3306,
  rdp: 3389,
  postgresql: 5432,
  postgres: 5432,
  redis: 6379,
};

/** What to write for a text where a prefix belongs; `port` is the field of a port that stands beside it. Else empty. */
export function prefixHint(text: string, port: 'sport' | 'dport'): string {
  if (isAny(text)) return LEAVE_OUT;
  if (/^[0-9a-f.:/]+ *[-, ] *[0-9a-f.:/]+/i.test(text)) return ONE_EACH;
  const prefix = masked(text) ?? starred(text);
  if (prefix !== undefined) return `; write ${prefix}`;
  if (/\/[0-9]+$/.test(text)) return '';
  const apart = takeApart(text);
  if (apart?.port !== undefined) return `; write ${apart.address}, and ${port}: ${apart.port}`;
  return apart === undefined ? nameHint(text) : `; write ${apart.address}`;
}

/** The same where one address belongs. */
export function addressHint(text: string): string {
  const { len, bytes } = parsePrefix(text) ?? {};
  if (bytes !== undefined && len !== bytes.length * 8) return '; a prefix is no station';
  const apart = takeApart(text);
  if (apart?.zone !== undefined) return `; write ${apart.address}, and interface: ${apart.zone}`;
  return apart === undefined ? nameHint(text) : `; write ${apart.address}`;
}

export function protoHint(plain: string): string {
  if (isAny(plain) || plain === 'ip') return LEAVE_OUT;
  if (/^(both|tcp\W*udp|udp\W*tcp)$/.test(plain)) return ONE_EACH;
  return Object.hasOwn(PROTOCOLS, plain) ? `; write ${PROTOCOLS[plain]}` : '';
}

export function portHint(text: string): string {
  if (isAny(text)) return LEAVE_OUT;
  const [, word = ''] = /^:?([a-z0-9]+)(?:\/(?:tcp|udp))?$/i.exec(text) ?? [];
  const service = word.toLowerCase();
  if (Object.hasOwn(SERVICES, service)) return `; write ${SERVICES[service]}`;
  return /^[1-9][0-9]{0,4}$/.test(word) && word !== text ? `; write ${word}` : '';
}

/** A MAC address with other separators than colons, or without zeros in front. */
export function macHint(text: string): string {
  const parts = text.split(/[:-]/);
  const digits =
    parts.length === 6 ? parts.map((part) => part.padStart(2, '0')).join('') : text.replaceAll(/[.:-]/g, '');
  return /^[0-9a-f]{12}$/i.test(digits) ? `; write "${digits.toLowerCase().replaceAll(/..(?=.)/g, '$&:')}"` : '';
}

/** Where the id of a host that is selected belongs. */
export function hostHint(value: unknown): string {
  return value === '*' ? '; write all, without a list' : labelHint(value);
}

/** Where the value of a label belongs. */
export function labelHint(value: unknown): string {
  if (Array.isArray(value)) return ONE_EACH;
  return typeof value === 'string' && /[*?[\]]/.test(value) ? NO_PATTERNS : '';
}

function isAny(text: string): boolean {
  return /^(\*|any|all|0\/0|default|-)$/i.test(text);
}

/** An address that was written with something beside it: a length, brackets, a port, a zone. */
function takeApart(
  text: string,
): { readonly address: string; readonly port?: string; readonly zone?: string } | undefined {
  const [, v6, v4, bare, port, zone] =
    /^(?:\[([0-9a-f.:]+)\]|([0-9.]+)|([0-9a-f:]+))(?:\/[0-9]+)?(?::([0-9]+))?(?:%([\x21-\x7e]{1,15}))?$/i.exec(text) ??
    [];
  const address = parseAddress(v6 ?? v4 ?? bare ?? '');
  if (address === undefined) return undefined;
  return {
    address: formatAddress(address.bytes),
    ...(port !== undefined && { port }),
    ...(zone !== undefined && { zone }),
  };
}

/** `203.0.113.10/255.255.255.0` as a prefix. */
function masked(text: string): string | undefined {
  const [address, mask] = text.split('/').map(parseAddress);
  if (address?.family !== 4 || mask?.family !== 4) return undefined;
  const bits = [...mask.bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(bits)
    ? formatPrefix(maskPrefix({ ...address, len: bits.replace(/0*$/, '').length }))
    : undefined;
}

/** `203.0.113.*` as a prefix. */
function starred(text: string): string | undefined {
  const [, fixed = '', stars = ''] = /^((?:[0-9]{1,3}\.){1,3})((?:[*x]\.){0,2}[*x])$/i.exec(text) ?? [];
  const known = fixed.split('.').slice(0, -1);
  if (stars === '' || known.length + stars.split('.').length !== 4) return undefined;
  const address = parseAddress([...known, '0', '0', '0'].slice(0, 4).join('.'));
  return address && formatPrefix({ ...address, len: known.length * 8 });
}

function nameHint(text: string): string {
  const isName = /^(?=.*[g-z])[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text);
  return isName ? '; names are not looked up: write its address' : '';
}
