import { usage } from '../line/failure.ts';
import { isPlan, type PlanFile, readPlan } from './plan-file.ts';
import type { Prepared } from './prepare.ts';
import { readSource } from './source.ts';

/** What stands on the line beside a plan that was kept. */
export interface Beside {
  readonly file: readonly string[];
  readonly recursive: boolean;
  readonly delete?: readonly string[];
  readonly set: string | undefined;
  readonly prune: boolean;
  readonly 'expires-in': number | undefined;
}

export interface Kept {
  readonly plan: PlanFile;
  readonly specs: readonly Prepared[];
}

/** Reads a plan that was kept, where one is named. Errors: Failure USAGE, where it is none, or something stands beside it. */
export async function readKept(
  path: string | undefined,
  beside: Beside,
  stdin: AsyncIterable<Uint8Array>,
): Promise<Kept | undefined> {
  if (path === undefined) return undefined;
  const { file, recursive, delete: names = [], set, prune, 'expires-in': expiresInMs } = beside;
  const more = file.length + names.length > 0 || recursive || set !== undefined || prune || expiresInMs !== undefined;
  if (!more) return readPlan(path, stdin);
  if (!(await isKept(path, stdin)) && file.length + names.length > 0) throw oneEach(path, beside);
  throw usage(`${path} is a plan, and says all of it: -f, -R, --set, --prune and --expires-in belong to shunt plan`);
}

/** What a glob that a shell wrote out ends in. */
function oneEach(path: string, { file: [first], delete: [name] = [] }: Beside): Error {
  if (first === undefined) return usage(`unexpected argument "${path}"; did you mean --delete ${path}?`);
  const folder = name === undefined ? ', or -f FOLDER for all in it' : '';
  return usage(`unexpected argument "${path}": -f takes one file; write -f ${first} -f ${path}${folder}`);
}

async function isKept(path: string, stdin: AsyncIterable<Uint8Array>): Promise<boolean> {
  return await readSource(path, stdin).then(
    ({ bytes }) => isPlan(bytes),
    () => false,
  );
}
