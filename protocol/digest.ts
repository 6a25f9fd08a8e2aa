import { hash } from 'node:crypto';

/** The digest of the empty set. */
export const EMPTY_DIGEST = '0'.repeat(32);

const MODULUS = 1n << 128n;

/**
 * Digests one live intent: the first 16 bytes, big-endian, of SHA-256 over UTF-8 `key \0 rev \0 body`.
 * A set's digest is the sum of these modulo 2^128, written as 32 hex digits; its order does not matter.
 * Vectors: protocol/fixtures/digest.json.
 */
export function elementDigest(key: string, rev: number, body: string): bigint {
  return BigInt(`0x${elementText(key, rev, body)}`);
}

/** The same as 32 hex digits. */
export function elementText(key: string, rev: number, body: string): string {
  return textDigest(`${key}\0${rev}\0${body}`);
}

/** Answers the digest of the set with one element more. */
export function addDigest(digest: string, element: bigint): string {
  return toHex(BigInt(`0x${digest}`) + element);
}

/** Answers the digest of the set with one element less. */
export function removeDigest(digest: string, element: bigint): string {
  return toHex(BigInt(`0x${digest}`) - element);
}

function toHex(sum: bigint): string {
  return (((sum % MODULUS) + MODULUS) % MODULUS).toString(16).padStart(32, '0');
}

/** Digests a text as a whole, in 32 hex digits. */
export function textDigest(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}
