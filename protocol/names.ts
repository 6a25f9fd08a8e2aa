import { type ApiError, MAX_LIST, readReply } from './api.ts';
import { readLimit, readPlace } from './ask.ts';
import { open, readVersion } from './envelope.ts';
import { type Labels, readSomeLabels } from './host.ts';
import { readName } from './intent.ts';
import { encodeJson } from './json.ts';
import { list, nullable, object, optional, pattern, readTrue } from './read.ts';
import { readSet } from './sets.ts';

/**
 * Names alone, by name: of all redirects, of one set, of those whose selector is exactly these labels, of those that begin with
 * something; all of it must be so. With `sets`, the names of the sets instead.
 */
export interface NamesRequest {
  readonly v: 1;
  readonly set?: string;
  readonly labels?: Labels;
  readonly prefix?: string;
  readonly sets?: true;
  readonly after?: string;
  readonly limit?: number;
}

/** A redirect and the set that it is in; or, where sets were asked for, a set. */
export interface NamedItem {
  readonly name: string;
  readonly set?: string;
}

export interface NamesReply {
  readonly v: 1;
  readonly items: readonly NamedItem[];
  readonly next: string | null;
}

const readNames = object<NamesRequest>({
  v: readVersion,
  set: optional(readSet),
  labels: optional(readSomeLabels),
  prefix: optional(pattern(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'what a name begins with', 'BAD_NAME')),
  sets: optional(readTrue),
  after: optional(readPlace),
  limit: optional(readLimit),
});
const readNamesReply = object<NamesReply>(
  {
    v: readVersion,
    items: list(object<NamedItem>({ name: readName, set: optional(readSet) }, 'ignored'), MAX_LIST),
    next: nullable(readPlace),
  },
  'ignored',
);

/** Errors: Refused. */
export function parseNamesRequest(input: unknown): NamesRequest {
  return readNames(open(input), '');
}

export function encodeNamesRequest(request: NamesRequest): Uint8Array {
  return encodeJson(readNames(request, ''));
}

/** Unknown fields are ignored. Errors: Refused. */
export function parseNamesReply(input: unknown): NamesReply | ApiError {
  return readReply(input, readNamesReply);
}

export function encodeNamesReply(reply: NamesReply): Uint8Array {
  return encodeJson(readNamesReply(reply, ''));
}
