import { usage } from '../line/failure.ts';
import type { Terminal } from '../show/terminal.ts';
import { isPlan, type PlanFile, readPlan } from './plan-file.ts';
import type { Prepared } from './prepare.ts';
import { noteSpecs, readSpecs } from './read-specs.ts';
import { readSource } from './source.ts';
import type { UploadAhead } from './upload-ahead.ts';

/** What stands on the line beside a plan that was kept. */
export interface Beside {
  readonly file: readonly string[];
  readonly recursive: boolean;
  readonly delete?: readonly string[];
  readonly set: string | undefined;
  readonly prune: boolean;
  readonly 'expires-in': number | undefined;
}

/** What is asked for: redirects, and where a plan was kept, all of it. */
export interface Asked {
  readonly specs: readonly Prepared[];
  readonly plan: PlanFile | undefined;
}

/** Where redirects come from, who hears what deserves a second look, and what sends them ahead. */
interface Reading {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly terminal: Terminal;
  readonly ahead?: UploadAhead | undefined;
}

/**
 * Reads the redirects of files, or of a plan that was kept, and says what of them deserves a second look. Errors: Failure, also where
 * nothing is named.
 */
export async function readAsked(
  path: string | undefined,
  beside: Beside,
  { stdin, terminal, ahead }: Reading,
): Promise<Asked> {
  const nowMs = Date.now();
  const kept = await readKept(path, beside, stdin);
  if (kept === undefined) requireSome(beside);
  const specs = kept?.specs ?? (await readSpecs(beside, stdin, { nowMs, expiresInMs: beside['expires-in'] }, ahead));
  noteSpecs(specs, nowMs, terminal);
  return { specs, plan: kept?.plan };
}

/** Errors: Failure USAGE. */
function requireSome(beside: Beside): void {
  const { file, delete: names, set, prune } = beside;
  if (prune && set === undefined) throw usage('--prune is of a set: name it with --set NAME');
  if (prune && file.length === 0)
    throw usage(`--prune keeps what is in the files: name them with -f, or write shunt delete --set ${set}`);
  if (file.length + (names?.length ?? 0) > 0) return;
  throw usage(
    names === undefined
      ? 'name at least one file: -f FILE, or -f - for standard input; or PLAN, which shunt plan --out kept'
      : 'name at least one file or redirect: -f FILE, -f - for standard input, --delete NAME; or PLAN, which shunt plan --out kept',
  );
}

/** Reads a plan that was kept, where one is named. Errors: Failure USAGE, where it is none, or something stands beside it. */
async function readKept(
  path: string | undefined,
  beside: Beside,
  stdin: AsyncIterable<Uint8Array>,
): Promise<(Asked & { readonly plan: PlanFile }) | undefined> {
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
