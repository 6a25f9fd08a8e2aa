import { open, readVersion } from './envelope.ts';
import { encodeJson } from './json.ts';
import { object, readCount } from './read.ts';

/** The header of a request to the controller that names where it is to say that it works on it: a subject below `_INBOX.`. */
export const WORKING_HEADER = 'Shunt-Working';

/** The controller works on a request: how many redirects of hosts, or of a plan hosts, it has been through so far. */
export interface Working {
  readonly v: 1;
  readonly done: number;
}

const readWorking = object<Working>({ v: readVersion, done: readCount }, 'ignored');

/** Reads a sign of work; unknown fields are ignored. Errors: Refused. */
export function parseWorking(input: unknown): Working {
  return readWorking(open(input), '');
}

export function encodeWorking(working: Working): Uint8Array {
  return encodeJson(readWorking(working, ''));
}
