import { writeFile } from 'node:fs/promises';
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
