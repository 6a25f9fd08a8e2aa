import { isIPv6 } from 'node:net';
import type { Code } from './codes.ts';

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

/** Reads `address` or `address/len`; undefined when it is neither, or a bit past `len` is set. `prefixFault` says why. */
export function parsePrefix(text: string): Prefix | undefined {
  const prefix = readPrefixText(text);
  return prefix === undefined || isMapped(prefix) || !isMasked(prefix) ? undefined : prefix;
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
  return { code: 'BAD_PREFIX', message: `${quote(text)} has host bits set; did you mean ${meant}?` };
}

/** Writes 4 or 16 bytes canonically: dotted, or lower-case with the longest run of zero groups shortened (RFC 5952). */
export function formatAddress(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : formatIPv6(bytes);
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.bytes)}/${prefix.len}`;
}

/** The prefix of every address of a family: `0.0.0.0/0` or `::/0`. */
export function anyPrefix(family: Family): string {
  return family === 4 ? '0.0.0.0/0' : '::/0';
}

/** Tells whether frames can be addressed to it: not unspecified, loopback, multicast or limited broadcast. */
export function isUnicastTarget({ family, bytes }: Address): boolean {
  const first = bytes[0] ?? 0;
  if (family === 6) return first !== 0xff && !(bytes.subarray(0, 15).every((byte) => byte === 0) && (bytes[15] ?? 0) <= 1);
  return first !== 0 && first !== 127 && (first < 224 || first > 239) && !bytes.every((byte) => byte === 255);
}

/** Tells whether an address means something on one link only: fe80::/10. */
export function isLinkLocal({ family, bytes }: Address): boolean {
  return family === 6 && bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80;
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
  const [head = '', tail] = text.split('::');
  const front = readGroups(head);
  const back = tail === undefined ? [] : readGroups(tail);
  const bytes = new Uint8Array(16);
  bytes.set(front);
  bytes.set(back, 16 - back.length);
  return bytes;
}

function readGroups(text: string): number[] {
  const bytes: number[] = [];
  if (text === '') return bytes;
  for (const group of text.split(':')) {
    if (group.includes('.')) {
      bytes.push(...(readIPv4(group) ?? []));
    } else {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
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
  return bytes.every((byte, index) => (byte & ~keptBits(len, index)) === 0);
}

function maskPrefix(prefix: Prefix): Prefix {
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
  return { code: 'MAPPED_ADDRESS', message: `an IPv4-mapped IPv6 address; did you mean ${meant}?` };
}

function formatIPv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0));
  const [start, length] = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

/** The first of the longest runs of zero groups, as [start, length]. */
function longestZeroRun(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best[1]) best = [index - length + 1, length];
  }
  return best;
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 64).toWellFormed());
}
