import type { AskError } from './ask.ts';
import type { AnyCode } from './codes.ts';
import { open, readHostError, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { encodeJson } from './json.ts';
import { object, optional, prose, readCode, readCount } from './read.ts';

/**
 * How many changes a host let go that its brake withheld; they are stored as let go, and carried out from here on. With `code` it
 * could not, and still withholds them; `message` says why.
 */
export interface ReleaseReply {
  readonly v: 1;
  readonly host: string;
  readonly released: number;
  readonly code?: AnyCode;
  readonly message?: string;
}

const readReply = object<ReleaseReply>(
  { v: readVersion, host: readHost, released: readCount, code: optional(readCode), message: optional(prose(1024)) },
  'ignored',
);

/** Reads the answer to `release`; with `host`, only that host's. Unknown fields are ignored. Errors: Refused. */
export function parseReleaseReply(input: unknown, host?: string): ReleaseReply | AskError {
  const value = open(input, host);
  return value.error === undefined ? readReply(value, '') : readHostError(value, '');
}

export function encodeReleaseReply(reply: ReleaseReply): Uint8Array {
  return encodeJson(readReply(reply, ''));
}
