import { isObject, type JsonObject } from '../../protocol/json.ts';
import { Refused } from '../../protocol/refused.ts';
import { judgeSpec, nameOf, type Spec, specToJson } from '../../protocol/spec.ts';
import type { FileProblem } from '../line/failure.ts';
import { endsAt, expiryHint, type Moment, requirePlausible } from './expiry.ts';
import { isJsonLines, readJsonLines } from './json-lines.ts';
import type { Source } from './source.ts';
import { type Contents, MAX_PROBLEMS, type Place, type Written } from './written.ts';

/** A redirect in normal form, ready to be sent. */
export interface Prepared extends Pick<Written, 'locate'> {
  readonly name: string;
  readonly json: JsonObject;
}

/** Goes on with redirects while those behind them are read; not once anything is wrong. */
export interface Ahead {
  /** All that was read so far of texts of so many bytes, and how many of these were read. */
  take(specs: readonly Prepared[], readBytes: number, allBytes: number): Promise<void>;
}

/** Reads every redirect of every source and says what is wrong with them, in the order of the files, up to MAX_PROBLEMS. */
export async function prepareSpecs(
  sources: readonly Source[],
  moment: Moment,
  ahead?: Ahead,
): Promise<{ readonly specs: readonly Prepared[]; readonly problems: readonly FileProblem[] }> {
  const specs: Prepared[] = [];
  const problems: FileProblem[] = [];
  const firstUse = new Map<string, Place>();
  const allBytes = sources.reduce((sum, { bytes }) => sum + bytes.length, 0);
  let before = 0;
  for (const source of sources) {
    const found: FileProblem[] = [];
    for await (const { readBytes, ...contents } of readContents(source)) {
      found.push(...contents.problems);
      for (const written of contents.written) {
        if (problems.length + found.length >= MAX_PROBLEMS) break;
        prepare(written, moment, firstUse, specs, found);
      }
      if (problems.length + found.length >= MAX_PROBLEMS) break;
      if (problems.length + found.length === 0) await ahead?.take(specs, before + readBytes, allBytes);
    }
    before += source.bytes.length;
    problems.push(...found.sort(byPlace).slice(0, MAX_PROBLEMS));
  }
  return { specs, problems };
}

function byPlace(a: FileProblem, b: FileProblem): number {
  return a.line - b.line || (a.column ?? 0) - (b.column ?? 0);
}

/** What a source has, and how far it is read by then. */
async function* readContents(source: Source): AsyncGenerator<Contents & { readonly readBytes: number }> {
  if (isJsonLines(source)) {
    yield* readJsonLines(source);
    return;
  }
  const { readYaml } = await import('./spec-yaml.ts');
  yield { ...readYaml(source), readBytes: source.bytes.length };
}

function prepare(
  { value, locate }: Written,
  moment: Moment,
  firstUse: Map<string, Place>,
  specs: Prepared[],
  problems: FileProblem[],
): void {
  const { spec, faults } = judgeSpec(value);
  const name = nameOf(value);
  const twice = name === undefined ? [] : usedAlready(name, firstUse);
  const odd = faults.some(({ path }) => path === 'expires') ? [] : requirePlausible(value);
  for (const { code, path, reason } of [...faults, ...odd, ...twice])
    problems.push({
      ...locate(path, code),
      ...(name !== undefined && { name }),
      code,
      message: reason + hintOf(path, value, moment),
    });
  const named = name !== undefined && !faults.some(({ path }) => path === 'name');
  if (named && twice.length === 0) firstUse.set(name, locate('name'));
  if (spec !== undefined && odd.length === 0)
    specs.push({ name: spec.name, json: specToJson(lasting(spec, moment)), locate });
}

function hintOf(path: string, value: unknown, moment: Moment): string {
  return path === 'expires' && isObject(value) ? expiryHint(value.expires, moment) : '';
}

function lasting(spec: Spec, moment: Moment): Spec {
  const { expiresInMs } = moment;
  return expiresInMs === undefined ? spec : { expires: endsAt(moment, expiresInMs), ...spec };
}

function usedAlready(name: string, firstUse: ReadonlyMap<string, Place>): readonly Refused[] {
  const first = firstUse.get(name);
  if (first === undefined) return [];
  const reason = `${name} is also the name of the redirect at ${first.file}:${first.line}`;
  return [new Refused('DUPLICATE_NAME', 'name', reason)];
}
