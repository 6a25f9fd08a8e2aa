import { type ApiError, applyFields, MAX_LIST, readReply } from './api.ts';
import { open, readVersion } from './envelope.ts';
import { encodeJson } from './json.ts';
import type { PlanLists } from './plan.ts';
import { planLists } from './plan-lines.ts';
import { integer, list, object, optional, type Reader, readCount } from './read.ts';
import { Refused } from './refused.ts';

/** Asks for what the reply of a plan had no room for: `page`, from 0, of the `pages` that the reply counts. */
export interface PlanPageRequest {
  readonly v: 1;
  readonly upload: string;
  readonly page: number;
  readonly pages: number;
}

/** Each list goes on where the reply ended, or the page before that had any of it; one that is absent has nothing here. */
export interface PlanPage extends Partial<PlanLists> {
  readonly v: 1;
  readonly upload: string;
  readonly page: number;
}

const about = { v: readVersion, upload: applyFields.upload, page: readCount };
const readRequestFields = object<PlanPageRequest>({ ...about, pages: integer(1) });
const readRequest: Reader<PlanPageRequest> = (value, path) => {
  const request = readRequestFields(value, path);
  if (request.page < request.pages) return request;
  throw new Refused('BAD_FIELD', 'page', `page ${request.page} of ${request.pages}: pages are counted from 0`);
};
const readPage = object<PlanPage>(
  {
    ...about,
    absent: optional(list(planLists.absent, MAX_LIST)),
    hosts: optional(list(planLists.hosts, MAX_LIST)),
    changes: optional(list(planLists.changes, MAX_LIST)),
    shadowed: optional(list(planLists.shadowed, MAX_LIST)),
    overlaps: optional(list(planLists.overlaps, MAX_LIST)),
    unmatched: optional(list(planLists.unmatched, MAX_LIST)),
    unheard: optional(list(planLists.unheard, MAX_LIST)),
    notSent: optional(list(planLists.notSent, MAX_LIST)),
    collateral: optional(list(planLists.collateral, MAX_LIST)),
    denied: optional(list(planLists.denied, MAX_LIST)),
  },
  'ignored',
);

/** Reads a request for a page. Errors: Refused. */
export function parsePlanPageRequest(input: unknown): PlanPageRequest {
  return readRequest(open(input), '');
}

export function encodePlanPageRequest(request: PlanPageRequest): Uint8Array {
  return encodeJson(readRequest(request, ''));
}

/** Reads a page; unknown fields are ignored. Errors: Refused. */
export function parsePlanPage(input: unknown): PlanPage | ApiError {
  return readReply(input, readPage);
}

export function encodePlanPage(page: PlanPage): Uint8Array {
  return encodeJson(readPage(page, ''));
}
