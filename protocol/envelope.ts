import type { AnyCode } from './codes.ts';
import { readHost } from './host.ts';
import { decodeJson, type JsonObject } from './json.ts';
import { object, prose, type Reader, readCode, requireObject, show } from './read.ts';
import { Refused } from './refused.ts';

/** A host's or a controller's word that it could not do what was asked about that host. */
export interface HostError {
  readonly v: 1;
  readonly host: string;
  readonly error: { readonly code: AnyCode; readonly message: string };
}

export const readVersion: Reader<1> = (value, path) => {
  if (value !== 1) throw new Refused('WRONG_VERSION', path, `this program speaks version 1, not ${show(value)}`);
  return 1;
};

export const readHostError: Reader<HostError> = object<HostError>(
  {
    v: readVersion,
    host: readHost,
    error: object<HostError['error']>({ code: readCode, message: prose(1024) }, 'ignored'),
  },
  'ignored',
);

/**
 * Opens a message: bytes are decoded, anything else is taken as the decoded value. Version and host are judged before
 * the rest, so that a message for somebody else is refused for that reason.
 * Errors: Refused, those of decodeJson and MISSING_FIELD, WRONG_VERSION, FOREIGN_HOST.
 */
export function open(input: unknown, host?: string): JsonObject {
  const value = input instanceof Uint8Array ? decodeJson(input) : requireObject(input, '');
  if (value.v === undefined) throw new Refused('MISSING_FIELD', 'v', 'is required');
  readVersion(value.v, 'v');
  if (host !== undefined && typeof value.host === 'string' && value.host !== host) {
    throw new Refused('FOREIGN_HOST', 'host', `addressed to ${show(value.host)}, and this is ${host}`);
  }
  return value;
}
