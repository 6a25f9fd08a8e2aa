import type { AskError } from './ask.ts';
import type { AnyCode } from './codes.ts';
import { readEpochOrNone } from './cursor.ts';
import { open, readHostError, readVersion } from './envelope.ts';
import { readHost } from './host.ts';
import { encodeJson } from './json.ts';
import { object, optional, prose, readCode, readRev } from './read.ts';

/**
 * Where a host stands that was told to take the whole set anew. With `code` it could not yet, or the log does not let it: it
 * keeps what it has, and `message` says why.
 */
export interface ResyncReply {
  readonly v: 1;
  readonly host: string;
  readonly epoch: string;
  readonly stored: number;
  readonly code?: AnyCode;
  readonly message?: string;
}

const readReply = object<ResyncReply>(
  {
    v: readVersion,
    host: readHost,
    epoch: readEpochOrNone,
    stored: readRev,
    code: optional(readCode),
    message: optional(prose(1024)),
  },
  'ignored',
);

/** Reads the answer to `resync`; with `host`, only that host's. Unknown fields are ignored. Errors: Refused. */
export function parseResyncReply(input: unknown, host?: string): ResyncReply | AskError {
  const value = open(input, host);
  return value.error === undefined ? readReply(value, '') : readHostError(value, '');
}

export function encodeResyncReply(reply: ResyncReply): Uint8Array {
  return encodeJson(readReply(reply, ''));
}
