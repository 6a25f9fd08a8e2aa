import { stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readFault } from '../../daemon/read-fault.ts';
import { MAX_LIST } from '../../protocol/api.ts';
import { readName } from '../../protocol/intent.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { didYouMean } from '../../protocol/near.ts';
import { integer, list, object, optional, readCount, readDigest, readJson, readTime } from '../../protocol/read.ts';
import { Refused } from '../../protocol/refused.ts';
import { readSet } from '../../protocol/sets.ts';
import { nameOf } from '../../protocol/spec.ts';
import { EXIT, Failure, usage } from '../line/failure.ts';
import type { Prepared } from './prepare.ts';
import { readSource } from './source.ts';

/** What `plan --out` keeps and `apply` carries out: what was asked for, and what its effects relied on. */
export interface PlanFile {
  /** The form of the file. */
  readonly shuntPlan: number;
  readonly at: number;
  readonly basis: string;
  readonly newest?: number;
  readonly set?: string;
  readonly prune?: readonly string[];
  readonly delete: readonly string[];
  readonly specs: readonly unknown[];
}

const FORM = 1;
const MAX_SPECS = 1_000_000;

const readPlanFile = object<PlanFile>({
  shuntPlan: integer(FORM, FORM),
  at: readTime,
  basis: readDigest,
  newest: optional(readCount),
  set: optional(readSet),
  prune: optional(list(readName, MAX_LIST)),
  delete: list(readName, MAX_LIST),
  specs: list(readJson, MAX_SPECS),
});

/** What a kept plan begins with. */
const BEGINS = /^\s*\{\s*"shuntPlan"\s*:/;

/** Whether a text is a plan that was kept, of whatever form. */
export function isPlan(bytes: Buffer): boolean {
  return BEGINS.test(bytes.subarray(0, 256).toString());
}

/** Refuses to put a plan where something else is, of redirects perhaps. What is empty, and what is no file, is fine. Errors: Failure. */
export async function requireRoomForPlan(path: string, stdin: AsyncIterable<Uint8Array>): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return requireFolder(path);
  if (!found.isFile() || found.size === 0 || isPlan((await readSource(path, stdin)).bytes)) return;
  const message = `${path} is there already, and is no plan; name another file with --out, or remove it`;
  throw new Failure(EXIT.refused, 'FAILED', message);
}

async function requireFolder(path: string): Promise<void> {
  const folder = dirname(path);
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  const why = found === undefined ? `there is no folder ${folder}` : `${folder} is no folder`;
  throw new Failure(EXIT.refused, found === undefined ? 'ENOENT' : 'ENOTDIR', `cannot write ${path}: ${why}`);
}

/** Errors: Failure. */
export async function writePlan(path: string, plan: Omit<PlanFile, 'shuntPlan'>): Promise<void> {
  const text = JSON.stringify({ shuntPlan: FORM, ...plan });
  await writeFile(path, `${text}\n`).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(EXIT.refused, error.code ?? 'FAILED', `cannot write ${path}: ${readFault(error)}`, {
      cause: error,
    });
  });
}

/** Reads what `plan --out` wrote. Errors: Failure, which says of a file of redirects how that is applied. */
export async function readPlan(
  path: string,
  stdin: AsyncIterable<Uint8Array>,
): Promise<{ readonly plan: PlanFile; readonly specs: readonly Prepared[] }> {
  const { bytes } = await readSource(path, stdin).catch((error: unknown) => {
    if (!(error instanceof Failure) || error.code !== 'ENOENT') throw error;
    throw usage(`there is no plan ${path}; ${didYouMean(`-f ${path}`)}`);
  });
  const plan = parse(bytes, path);
  const locate = (field: string) => ({ file: path, line: 1, path: field });
  const specs = plan.specs.map((json) => ({ name: nameOf(json) ?? '', json: json as JsonObject, locate }));
  return { plan, specs };
}

function parse(bytes: Buffer, path: string): PlanFile {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (isObject(value) && value.shuntPlan !== undefined) return readPlanFile(value, '');
  } catch (error) {
    if (error instanceof Refused)
      throw new Failure(EXIT.refused, error.code, `${path} is no plan that this version reads: ${error.message}`);
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw usage(`${path} is no plan of shunt plan --out; ${didYouMean(`-f ${path}`)}`);
}
