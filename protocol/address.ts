import { isIPv6 } from 'node:net';
import type { Code } from './codes.ts';
import { didYouMean } from './near.ts';

export type Family = 4 | 6;

/** An address as bytes in network order: 4 or 16 of them. */
export interface Address {
  readonly family: Family;
  readonly bytes: Uint8Array;
}

/** An address prefix; every bit past `len` is zero. */
export interface Prefix extends Address {
  readonly len: number;
}

/** Why a text is not an address or a prefix. */
export interface AddressFault {
  readonly code: Code;
  readonly message: string;
}

/** Reads an address; undefined when it is none, has a zone, or is IPv4-mapped IPv6 (which would get around a guard). */
export function parseAddress(text: string): Address | undefined {
  const address = readAddress(text);
  return address === undefined || isMapped(address) ? undefined : address;
}

/** The IPv4 address of one that is mapped to IPv6: that is what packets have. Any other text as it is. */
export function unmapped(text: string): string {
  const address = readAddress(text);
  return address !== undefined && isMapped(address) ? formatAddress(address.bytes.subarray(12)) : text;
}

/** What very many matches say, by its text; nobody changes the bytes of a prefix. */
const ANY: Readonly<Record<Family, Prefix>> = {
  4: { family: 4, bytes: new Uint8Array(4), len: 0 },
  6: { family: 6, bytes: new Uint8Array(16), len: 0 },
};

/** Reads `address` or `address/len`; undefined when it is neither, or a bit past `len` is set. `prefixFault` says why. */
export function parsePrefix(text: string): Prefix | undefined {
  if (text === anyPrefix(4)) return ANY[4];
  if (text === anyPrefix(6)) return ANY[6];
  const prefix = readPrefixText(text);
  return prefix !== undefined && isPrefix(prefix) ? prefix : undefined;
}

/** Whether `parsePrefix` would read what `formatPrefix` writes of it. */
export function isPrefix(prefix: Prefix): boolean {
  return prefix.len <= prefix.bytes.length * 8 && !isMapped(prefix) && isMasked(prefix);
}

/** Reads a prefix that is in normal form. Errors: TypeError for any other text. */
export function requirePrefix(canonical: string): Prefix {
  const prefix = parsePrefix(canonical);
  if (prefix === undefined) throw new TypeError(`${canonical} is not a prefix`);
  return prefix;
}

/** Says why `parseAddress` refuses a text. */
export function addressFault(text: string): AddressFault {
  const address = readAddress(text);
  if (address !== undefined) return mappedFault(address);
  return { code: 'BAD_ADDRESS', message: `${quote(text)} is not an IPv4 or IPv6 address` };
}

/** Says why `parsePrefix` refuses a text, with the prefix that was probably meant. */
export function prefixFault(text: string): AddressFault {
  const prefix = readPrefixText(text);
  if (prefix === undefined) return { code: 'BAD_PREFIX', message: `${quote(text)} is not an address or a prefix` };
  if (isMapped(prefix)) return mappedFault(prefix);
  const meant = formatPrefix(maskPrefix(prefix));
  return { code: 'BAD_PREFIX', message: `${quote(text)} has host bits set; ${didYouMean(meant)}` };
}

/** Writes 4 or 16 bytes canonically: dotted, or lower-case with the longest run of zero groups shortened (RFC 5952). */
export function formatAddress(bytes: Uint8Array): string {
  return bytes.length === 4 ? `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}` : formatIPv6(bytes);
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.bytes)}/${prefix.len}`;
}

/** The prefix of every address of a family: `0.0.0.0/0` or `::/0`. */
export function anyPrefix(family: Family): string {
  return family === 4 ? '0.0.0.0/0' : '::/0';
}

/** Tells whether frames can be addressed to it: not unspecified, loopback, multicast or limited broadcast. */
export function isUnicastTarget(address: Address): boolean {
  return noStation({ ...address, len: address.bytes.length * 8 }) === undefined;
}

/**
 * Says why no address of a prefix is that of one station: `nowhere`, unspecified or loopback (RFC 1122, section 3.2.1.3;
 * RFC 4291, section 2.5), or `group`, multicast or limited broadcast (RFC 1122; RFC 4291, section 2.7).
 */
export function noStation({ family, bytes, len }: Prefix): 'nowhere' | 'group' | undefined {
  const first = bytes[0] ?? 0;
  if (family === 4) {
    if (len >= 8 && (first === 0 || first === 127)) return 'nowhere';
    return (len >= 4 && first >> 4 === 14) || (len === 32 && bytes.every((byte) => byte === 255)) ? 'group' : undefined;
  }
  if (len >= 8 && first === 0xff) return 'group';
  return len >= 127 && (bytes[15] ?? 0) <= 1 && bytes.subarray(0, 15).every((byte) => byte === 0)
    ? 'nowhere'
    : undefined;
}

/** The family of an address or prefix in canonical text. */
export function familyOfText(canonical: string): Family {
  return canonical.includes(':') ? 6 : 4;
}

/** Tells whether an address in canonical text means something on one link only: fe80::/10. */
export function isLinkLocal(canonical: string): boolean {
  return /^fe[89ab][0-9a-f]:/.test(canonical);
}

function readAddress(text: string): Address | undefined {
  const four = readIPv4(text);
  if (four !== undefined) return { family: 4, bytes: four };
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return { family: 6, bytes: readIPv6(text) };
}

/** Reads dotted decimal strictly: four numbers, no leading zeros, which some read as octal. */
function readIPv4(text: string): Uint8Array | undefined {
  if (text.length < 7 || text.length > 15) return undefined;
  const bytes = new Uint8Array(4);
  let index = 0;
  let digits = 0;
  let value = 0;
  for (let at = 0; at <= text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit >= 0 && digit <= 9) {
      if (digits > 0 && value === 0) return undefined;
      value = value * 10 + digit;
      digits += 1;
      if (value > 255) return undefined;
      continue;
    }
    if (digits === 0 || index > 3 || (at < text.length && text[at] !== '.')) return undefined;
    bytes[index++] = value;
    digits = 0;
    value = 0;
  }
  return index === 4 ? bytes : undefined;
}

/** Turns text that `isIPv6` accepted into 16 bytes. */
function readIPv6(text: string): Uint8Array {
  if (text.includes('.')) return readIPv6(withoutDots(text));
  const bytes = new Uint8Array(16);
  let at = 0;
  let gap = -1;
  let value = 0;
  let digits = 0;
  for (let index = 0; index <= text.length; index++) {
    if (index < text.length && text[index] !== ':') {
      value = value * 16 + hexDigit(text.charCodeAt(index));
      digits += 1;
      continue;
    }
    if (digits > 0) {
      bytes[at++] = value >> 8;
      bytes[at++] = value & 0xff;
    }
    value = 0;
    digits = 0;
    if (text[index] === ':' && text[index + 1] === ':') gap = at;
  }
  return gap < 0 ? bytes : widen(bytes, gap, at);
}

/** Moves the bytes from `gap` to `end` to the very end, and zeros into their place. */
function widen(bytes: Uint8Array, gap: number, end: number): Uint8Array {
  const moved = 16 - (end - gap);
  return bytes.copyWithin(moved, gap, end).fill(0, gap, moved);
}

/** Rewrites a dotted tail, as in `64:ff9b::192.0.2.33`, as two groups. */
function withoutDots(text: string): string {
  const start = text.lastIndexOf(':') + 1;
  const [a = 0, b = 0, c = 0, d = 0] = readIPv4(text.slice(start)) ?? [];
  return `${text.slice(0, start)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

function hexDigit(code: number): number {
  return code <= 57 ? code - 48 : (code | 0x20) - 87;
}

function readPrefixText(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  const address = readAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const bits = address.bytes.length * 8;
  if (slash < 0) return { ...address, len: bits };
  const digits = text.slice(slash + 1);
  const len = Number(digits);
  return /^(0|[1-9][0-9]{0,2})$/.test(digits) && len <= bits ? { ...address, len } : undefined;
}

function isMasked({ bytes, len }: Prefix): boolean {
  for (let index = len >> 3; index < bytes.length; index++) {
    if (((bytes[index] ?? 0) & ~keptBits(len, index)) !== 0) return false;
  }
  return true;
}

/** The prefix of that length in which an address lies. */
export function maskPrefix(prefix: Prefix): Prefix {
  return { ...prefix, bytes: prefix.bytes.map((byte, index) => byte & keptBits(prefix.len, index)) };
}

/** The mask of byte `index` under a prefix of `len` bits. */
function keptBits(len: number, index: number): number {
  const kept = Math.min(8, Math.max(0, len - index * 8));
  return (0xff00 >> kept) & 0xff;
}

/** ::ffff:0:0/96 (RFC 4291, section 2.5.5.2). */
function isMapped({ family, bytes }: Address): boolean {
  if (family === 4 || bytes[10] !== 0xff || bytes[11] !== 0xff) return false;
  return bytes.subarray(0, 10).every((byte) => byte === 0);
}

function mappedFault({ bytes }: Address): AddressFault {
  const meant = formatAddress(bytes.subarray(12));
  return { code: 'MAPPED_ADDRESS', message: `an IPv4-mapped IPv6 address; ${didYouMean(meant)}` };
}

function formatIPv6(bytes: Uint8Array): string {
  const [start, end] = longestZeroRun(bytes);
  let text = '';
  for (let group = 0; group < 8; group++) {
    if (group >= start && group < end) {
      if (group === start) text += '::';
      continue;
    }
    if (group > 0 && group !== end) text += ':';
    text += groupAt(bytes, group).toString(16);
  }
  return text;
}

/** The first of the longest runs of at least two zero groups, as [start, end]; [-1, -1] when there is none. */
function longestZeroRun(bytes: Uint8Array): [start: number, end: number] {
  let best: [number, number] = [-1, -1];
  let longest = 1;
  let length = 0;
  for (let group = 0; group < 8; group++) {
    length = groupAt(bytes, group) === 0 ? length + 1 : 0;
    if (length <= longest) continue;
    longest = length;
    best = [group - length + 1, group + 1];
  }
  return best;
}

function groupAt(bytes: Uint8Array, group: number): number {
  return ((bytes[group * 2] ?? 0) << 8) | (bytes[group * 2 + 1] ?? 0);
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 64).toWellFormed());
}
