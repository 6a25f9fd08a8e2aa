import { EXIT, Failure, type FileProblem, usage } from '../line/failure.ts';
import { countText, someText } from '../show/format.ts';
import { notice, type Terminal } from '../show/terminal.ts';
import type { Moment } from './expiry.ts';
import { filesOf } from './folder.ts';
import { isPlan } from './plan-file.ts';
import { type Prepared, prepareSpecs } from './prepare.ts';
import { readSource, type Source } from './source.ts';
import type { UploadAhead } from './upload-ahead.ts';
import { MAX_PROBLEMS } from './written.ts';

/** Where redirects are read from: files and folders, with `recursive` the folders in these, and standard input for `-`. */
export interface Where {
  readonly file: readonly string[];
  readonly recursive: boolean;
  /** The set that they are put into, and whether what is not in the files goes from it. */
  readonly set?: string | undefined;
  readonly prune?: boolean;
}

/** Reads every redirect of some files, and sends them ahead where that is wanted. Errors: Failure, with all that is wrong in them. */
export async function readSpecs(
  { file: files, recursive, set, prune = false }: Where,
  stdin: AsyncIterable<Uint8Array>,
  moment: Moment,
  ahead?: UploadAhead,
): Promise<readonly Prepared[]> {
  if (files.filter((file) => file === '-').length > 1)
    throw usage('-f - is given twice, and there is one standard input');
  const sources: Source[] = [];
  const unread: Failure[] = [];
  const keep = (error: unknown): void => {
    if (!(error instanceof Failure) || error.exit === EXIT.usage) throw error;
    unread.push(error);
  };
  for (const named of files) {
    for (const file of (await filesOf(named, recursive).catch(keep)) ?? []) {
      const source = await readSource(file, stdin).catch(keep);
      if (source !== undefined) sources.push(requireNoPlan(source));
    }
  }
  const { specs, problems } = await prepareSpecs(sources, moment, ahead);
  const [first] = unread;
  const emptied = prune && set !== undefined ? `; shunt delete --set ${set} deletes the set` : '';
  const nothing = specs.length + problems.length === 0 && unread.every(({ code }) => code === 'NOT_VALID');
  if (first !== undefined) throw unreadable(first, unread, problems, nothing ? emptied : '');
  if (problems.length > 0) throw refusal(problems, ahead?.begun);
  if (files.length > 0 && nothing) throw nothingIn(files, emptied);
  return specs;
}

/** What cannot be read hides nothing of what can. */
function unreadable(
  { exit, code, cause }: Failure,
  all: readonly Failure[],
  problems: readonly FileProblem[],
  advice: string,
): Failure {
  return new Failure(exit, code, all.map(({ message }) => message).join('; ') + advice, { cause, problems });
}

/** Errors: Failure USAGE, of a plan that was kept: it is no file of redirects. */
function requireNoPlan(source: Source): Source {
  if (!isPlan(source.bytes)) return source;
  const { name } = source;
  throw usage(
    `${name} is a plan that was kept, not redirects; shunt apply ${name} does it, shunt plan ${name} shows it`,
  );
}

/** Says what of some redirects deserves a second look, whatever the fleet is like. */
export function noteSpecs(specs: readonly Prepared[], nowMs: number, terminal: Terminal): void {
  const past = specs.filter(({ json: { expires } }) => Number(expires) <= nowMs);
  if (past.length > 0)
    notice(terminal, `past its time already, so it redirects nothing: ${namesText(past)}; change or remove expires`);
  const many = specs.filter(({ json: { idle, hosts } }) => idle !== undefined && mayBeMany(hosts));
  if (many.length > 0)
    notice(
      terminal,
      `each host gives up by itself what is idle: ${namesText(many)}; packets that ECMP moves to a host that gave it up go to B`,
    );
}

/** What has no redirect in it asks for nothing, and must not be taken for everything. */
function nothingIn(files: readonly string[], advice: string): Failure {
  const message = `there is no redirect in ${files.join(', ')}; nothing was sent: empty never means all${advice}`;
  return new Failure(EXIT.refused, 'NOT_VALID', message);
}

function mayBeMany(hosts: unknown): boolean {
  return !(Array.isArray(hosts) && hosts.length === 1);
}

function namesText(specs: readonly Prepared[]): string {
  return someText(specs.map(({ name }) => name));
}

function refusal(problems: readonly FileProblem[], begun = false): Failure {
  const files = new Set(problems.map(({ file }) => file)).size;
  const where = files === 1 ? '' : ` in ${files} files`;
  const count = `${countText(problems.length, 'problem')}${problems.length < MAX_PROBLEMS ? '' : ' or more'}`;
  return new Failure(EXIT.refused, 'NOT_VALID', `${count}${where}; nothing was ${begun ? 'changed' : 'sent'}`, {
    problems,
  });
}
