import { decodeJson, encodeJson } from './json.ts';
import { list, object, optional, prose, requireObject } from './read.ts';

/**
 * The header of a request that changes something: who makes it and from which files, as JSON. It is no field of the
 * request, which a controller of an older release would refuse for it.
 */
export const ORIGIN_HEADER = 'Shunt-Origin';

/** Who made a change, by their own word, the files that it is from, and why. */
export interface Origin {
  readonly actor?: string;
  readonly sources?: readonly string[];
  readonly reason?: string;
}

/** The most files that are named. */
export const MAX_SOURCES = 16;
const MAX_REASON = 500;

export const originFields = {
  actor: optional(prose(256)),
  sources: optional(list(prose(256), MAX_SOURCES)),
  reason: optional(prose(MAX_REASON)),
};
const readOrigin = object<Omit<Origin, 'reason'>>(
  { actor: originFields.actor, sources: originFields.sources },
  'ignored',
);

/** Reads the header; an empty text is none. Unknown fields are ignored. Errors: Refused. */
export function parseOrigin(header: string): Omit<Origin, 'reason'> {
  return header === '' ? {} : readOrigin(requireObject(decodeJson(Buffer.from(header)), ''), '');
}

/** Writes the header in ASCII, which every client and server carries as it is. */
export function encodeOrigin(origin: Omit<Origin, 'reason'>): string {
  const text = Buffer.from(encodeJson(readOrigin(origin, ''))).toString();
  return text.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
