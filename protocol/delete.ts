import { type ApiError, MAX_LIST, type Near, readNear, readReply } from './api.ts';
import { readChangeId } from './change-id.ts';
import { open, readVersion } from './envelope.ts';
import { filledList } from './filled.ts';
import { readName } from './intent.ts';
import { encodeJson } from './json.ts';
import { list, object, optional, type Reader, readCount, readRev } from './read.ts';
import { requireReason, type Terms, termFields } from './terms.ts';

export interface DeleteRequest extends Terms {
  readonly v: 1;
  readonly names: readonly string[];
}

/** `absent` names were not there: that is success too. */
export interface DeleteReply {
  readonly v: 1;
  readonly deleted: readonly string[];
  readonly absent: readonly string[];
  readonly hosts: number;
  readonly rev: number;
  /** What some of the first absent ones probably meant. */
  readonly near?: readonly Near[];
  /** As in an apply. */
  readonly change?: string;
}

const readNames = list(readName, MAX_LIST);
const readDeleteFields = object<DeleteRequest>({
  v: readVersion,
  names: filledList(readName, MAX_LIST),
  ...termFields,
});
const readDelete: Reader<DeleteRequest> = (value, path) => requireReason(readDeleteFields(value, path));
const readDeleteReply = object<DeleteReply>(
  {
    v: readVersion,
    deleted: readNames,
    absent: readNames,
    hosts: readCount,
    rev: readRev,
    near: optional(readNear),
    change: optional(readChangeId),
  },
  'ignored',
);

export function parseDeleteRequest(input: unknown): DeleteRequest {
  return readDelete(open(input), '');
}

export function encodeDeleteRequest(request: DeleteRequest): Uint8Array {
  return encodeJson(readDelete(request, ''));
}

export function parseDeleteReply(input: unknown): DeleteReply | ApiError {
  return readReply(input, readDeleteReply);
}

export function encodeDeleteReply(reply: DeleteReply): Uint8Array {
  return encodeJson(readDeleteReply(reply, ''));
}
