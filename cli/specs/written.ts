import { isObject } from '../../protocol/json.ts';
import { join, type Reader, refuseUnknown, show } from '../../protocol/read.ts';
import { Refused } from '../../protocol/refused.ts';
import type { FileProblem } from '../line/failure.ts';

/** The problems of one call that are looked for; who has so many mends what makes the file. */
export const MAX_PROBLEMS = 1000;

export const EXPECTED = 'expected `redirects:` and a list of redirects';

/** Where something stands in a file; `path` is as the file has it, e.g. `redirects[3].match.dport`. */
export type Place = Pick<FileProblem, 'file' | 'line' | 'column' | 'path'>;

/** A redirect as it was written, and how to find a field of it (`match.dport`; empty: the whole) in its file. */
export interface Written {
  readonly value: unknown;
  readonly locate: (path: string, code?: string) => Place;
}

/** What a file has: its redirects, and what is wrong with the file itself. */
export interface Contents {
  readonly written: readonly Written[];
  readonly problems: readonly FileProblem[];
}

/** Reads the list out of a document `redirects: […]`. Errors: Refused, with the path in the document. */
export const readRedirects: Reader<readonly unknown[]> = (document, path, faults) => {
  if (!isObject(document)) throw new Refused('BAD_FIELD', path, EXPECTED);
  if (document.redirects === undefined && document.match !== undefined)
    throw new Refused('MISSING_FIELD', path, `${EXPECTED}, not one by itself`);
  refuseUnknown(document, ['redirects'], path, faults);
  if (Array.isArray(document.redirects)) return document.redirects;
  if (document.redirects === undefined && faults?.size) return [];
  if (document.redirects === undefined) throw new Refused('BAD_FIELD', path, EXPECTED);
  const found = document.redirects === null ? 'and there is nothing' : `not ${show(document.redirects)}`;
  throw new Refused('BAD_FIELD', join(path, 'redirects'), `expected a list of redirects, ${found}`);
};
