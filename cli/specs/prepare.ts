import { isObject, type JsonObject } from '../../protocol/json.ts';
import { Refused } from '../../protocol/refused.ts';
import { parseSpec, specToJson } from '../../protocol/spec.ts';
import type { FileProblem } from '../line/failure.ts';
import { reasonOf } from '../line/refusal.ts';
import { isJsonLines, readJsonLines } from './json-lines.ts';
import type { Source } from './source.ts';
import type { Contents, Place, Written } from './written.ts';

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
