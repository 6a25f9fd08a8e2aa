import { EXIT, Failure, type FileProblem, usage } from '../line/failure.ts';
import { countText, someText } from '../show/format.ts';
import { notice, type Terminal } from '../show/terminal.ts';
import type { Moment } from './expiry.ts';
import { type Prepared, prepareSpecs } from './prepare.ts';
import { readSource, type Source } from './source.ts';
import { MAX_PROBLEMS } from './written.ts';

/** Reads every redirect of some files. Errors: Failure, with all that is wrong in them. */
export async function readSpecs(
  files: readonly string[],
  stdin: AsyncIterable<Uint8Array>,
  moment: Moment,
): Promise<readonly Prepared[]> {
  if (files.filter((file) => file === '-').length > 1)
    throw usage('-f - is given twice, and there is one standard input');
  const sources: Source[] = [];
  const unread: Failure[] = [];
  for (const file of files) {
    try {
      sources.push(await readSource(file, stdin));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      unread.push(error);
    }
  }
  const { specs, problems } = await prepareSpecs(sources, moment);
  const [first] = unread;
  if (first !== undefined) throw unreadable(first, unread, problems);
  if (problems.length > 0) throw refusal(problems);
  return specs;
}

/** What cannot be read hides nothing of what can. */
function unreadable(first: Failure, all: readonly Failure[], problems: readonly FileProblem[]): Failure {
  const { exit, code, cause } = first;
  return new Failure(exit, code, all.map(({ message }) => message).join('; '), { cause, problems });
}

/** Says which redirects are past their time already: they are taken, and redirect nothing. */
export function noteExpired(specs: readonly Prepared[], nowMs: number, terminal: Terminal): void {
  const past = specs.flatMap(({ name, json: { expires } }) => (Number(expires) <= nowMs ? [name] : []));
  if (past.length === 0) return;
  const text = `past its time already, so it redirects nothing: ${someText(past)}; change or remove expires`;
  notice(terminal, text);
}

function refusal(problems: readonly FileProblem[]): Failure {
  const files = new Set(problems.map(({ file }) => file)).size;
  const where = files === 1 ? '' : ` in ${files} files`;
  const count = `${countText(problems.length, 'problem')}${problems.length < MAX_PROBLEMS ? '' : ' or more'}`;
  return new Failure(EXIT.refused, 'NOT_VALID', `${count}${where}; nothing was sent`, { problems });
}
