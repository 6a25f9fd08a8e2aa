import { EXIT, Failure, type FileProblem, usage } from '../line/failure.ts';
import { countText, someText } from '../show/format.ts';
import { notice, type Terminal } from '../show/terminal.ts';
import type { Moment } from './expiry.ts';
import { type Prepared, prepareSpecs } from './prepare.ts';
import { readSource } from './source.ts';
import { MAX_PROBLEMS } from './written.ts';

/** Reads every redirect of some files. Errors: Failure, with all that is wrong in them. */
export async function readSpecs(
  files: readonly string[],
  stdin: AsyncIterable<Uint8Array>,
  moment: Moment,
): Promise<readonly Prepared[]> {
  if (files.filter((file) => file === '-').length > 1)
    throw usage('-f - is given twice, and there is one standard input');
  const sources = [];
  for (const file of files) sources.push(await readSource(file, stdin));
  const { specs, problems } = await prepareSpecs(sources, moment);
  if (problems.length > 0) throw refusal(problems);
  return specs;
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
