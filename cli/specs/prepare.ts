import { isObject, type JsonObject } from '../../protocol/json.ts';
import { refuseUnknown } from '../../protocol/read.ts';
import { Refused } from '../../protocol/refused.ts';
import { parseSpec, specToJson } from '../../protocol/spec.ts';
import type { FileProblem } from '../line/failure.ts';
import { reasonOf } from '../line/refusal.ts';
import { isJsonLines, readJsonLines } from './json-lines.ts';
import type { Source } from './source.ts';

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

/** A redirect in normal form, ready to be sent. */
export interface Prepared extends Pick<Written, 'locate'> {
  readonly name: string;
  readonly json: JsonObject;
}

/** Reads every redirect of every source and says everything that is wrong with them, in the order of the files. */
export async function prepareSpecs(
  sources: readonly Source[],
): Promise<{ readonly specs: readonly Prepared[]; readonly problems: readonly FileProblem[] }> {
  const specs: Prepared[] = [];
  const problems: FileProblem[] = [];
  const firstUse = new Map<string, Place>();
  for (const source of sources) {
    const contents = await readContents(source);
    const found = [...contents.problems];
    for (const written of contents.written) prepare(written, firstUse, specs, found);
    for (const problem of found.sort((a, b) => a.line - b.line)) problems.push(problem);
  }
  return { specs, problems };
}

async function readContents(source: Source): Promise<Contents> {
  if (isJsonLines(source)) return readJsonLines(source);
  const { readYaml } = await import('./spec-yaml.ts');
  return readYaml(source);
}

function prepare(
  { value, locate }: Written,
  firstUse: Map<string, Place>,
  specs: Prepared[],
  problems: FileProblem[],
): void {
  try {
    const spec = parseSpec(value);
    requireUnused(spec.name, firstUse);
    firstUse.set(spec.name, locate('name'));
    specs.push({ name: spec.name, json: specToJson(spec), locate });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const name = isObject(value) && typeof value.name === 'string' ? value.name.slice(0, 63) : undefined;
    problems.push({
      ...locate(error.path, error.code),
      ...(name !== undefined && { name }),
      code: error.code,
      message: reasonOf(error),
    });
  }
}

function requireUnused(name: string, firstUse: ReadonlyMap<string, Place>): void {
  const first = firstUse.get(name);
  if (first === undefined) return;
  throw new Refused(
    'DUPLICATE_NAME',
    'name',
    `${name} is also the name of the redirect at ${first.file}:${first.line}`,
  );
}

/** Reads the list out of a document `redirects: […]`. Errors: Refused, with the path in the document. */
export function requireRedirects(document: unknown): readonly unknown[] {
  if (!isObject(document)) throw new Refused('BAD_FIELD', '', EXPECTED);
  if (document.redirects === undefined && document.match !== undefined)
    throw new Refused('MISSING_FIELD', '', `${EXPECTED}, not one by itself`);
  refuseUnknown(document, ['redirects'], '');
  if (!Array.isArray(document.redirects))
    throw new Refused('BAD_FIELD', document.redirects === undefined ? '' : 'redirects', EXPECTED);
  return document.redirects;
}
