import { Refused } from './refused.ts';

/** The longest message, in bytes; a server's max_payload may lower it further. */
export const MAX_MESSAGE_BYTES = 512 * 1024;
/** A server that takes less, in bytes, is too small for us. */
export const LEAST_PAYLOAD_BYTES = 4096;
/** What a sender leaves free for the fields around a list and for protocol headers, in bytes. */
const RESERVED_BYTES = 4096;
/** What a list gets where less would be left of it, in bytes: the fields around one need no more than the rest of 4,096. */
const LEAST_BUDGET_BYTES = 3072;
const MAX_DEPTH = 16;

export type JsonObject = Readonly<Record<string, unknown>>;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Decodes one message into plain values: an object at the top, at most 16 levels deep, no key `__proto__`.
 * The length is judged before anything is parsed. Of a repeated key the last one counts, as JSON.parse has it: every
 * reader here sees the same value, so a repeat cannot say two things to two of us.
 * Errors: Refused TOO_LARGE, BAD_JSON, TOO_DEEP, FORBIDDEN_KEY.
 */
export function decodeJson(bytes: Uint8Array): JsonObject {
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new Refused('TOO_LARGE', '', `a message of ${bytes.length} bytes, at most ${MAX_MESSAGE_BYTES} are read`);
  }
  const value = parseText(bytes);
  if (!isObject(value)) throw new Refused('BAD_JSON', '', 'a message is a JSON object');
  checkNesting(value, 1);
  return value;
}

/** Encodes a value as UTF-8 JSON. Errors: Refused TOO_LARGE when no peer would read it. */
export function encodeJson(value: object): Uint8Array {
  const bytes = encoder.encode(JSON.stringify(value));
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new Refused('TOO_LARGE', '', `a message of ${bytes.length} bytes, at most ${MAX_MESSAGE_BYTES} may be sent`);
  }
  return bytes;
}

/** How many bytes a value takes within a message. */
export function bytesOf(value: object | string): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Answers how many bytes of list elements fit one message on a server that takes `maxPayloadBytes`; 0 where it takes too little. */
export function listBudgetBytes(maxPayloadBytes: number): number {
  if (maxPayloadBytes < LEAST_PAYLOAD_BYTES) return 0;
  return Math.max(LEAST_BUDGET_BYTES, Math.min(MAX_MESSAGE_BYTES, maxPayloadBytes) - RESERVED_BYTES);
}

/** Tells whether a value is a plain object: neither null, nor a list, nor an instance of some class. */
export function isObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function parseText(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    const what = cause instanceof SyntaxError ? 'not JSON' : 'not UTF-8';
    throw new Refused('BAD_JSON', '', `the message is ${what}`);
  }
}

function checkNesting(value: object, depth: number): void {
  if (depth > MAX_DEPTH) throw new Refused('TOO_DEEP', '', `nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    for (const child of value as readonly unknown[])
      if (typeof child === 'object' && child !== null) checkNesting(child, depth + 1);
    return;
  }
  for (const key in value) {
    if (key === '__proto__') throw new Refused('FORBIDDEN_KEY', '', 'the key __proto__ is never accepted');
    const child = (value as JsonObject)[key];
    if (typeof child === 'object' && child !== null) checkNesting(child, depth + 1);
  }
}
