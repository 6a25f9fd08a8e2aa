import { errnoOf, shortageByErrno } from '../../daemon/shortage.ts';
import { GAP } from '../show/table.ts';
import { fill, paint, type Terminal } from '../show/terminal.ts';
import type { Environment } from './command.ts';
import { EXIT, type Exit, Failure, type FileProblem } from './failure.ts';

/** Which call failed: the command's name, its words, and where to write. */
export interface Failed {
  readonly name: string;
  readonly words: readonly string[];
  readonly env: Environment;
  readonly terminal: Terminal;
}

/** The most problems that are written out: enough to see what is wrong with a generated file. */
const MAX_SHOWN = 50;

/** Writes an error to standard error, as a sentence or, with -o json, as one JSON document, and answers the exit status. */
export function report(error: unknown, { name, words, env, terminal }: Failed): Exit {
  const failure = toFailure(error);
  if (wantsJson(words, env)) terminal.note(JSON.stringify({ error: jsonOf(failure) }));
  else writeText(failure, name === '' ? 'shunt' : `shunt ${name}`, terminal);
  return failure.exit;
}

/** Errors of the loader, the agent and the controller say what went wrong; a fault of the program keeps its stack. */
function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const faults = [TypeError, RangeError, ReferenceError, SyntaxError];
  const known = error instanceof Error && !faults.some((fault) => error instanceof fault);
  const message = known
    ? told(error)
    : `a fault of this program: ${error instanceof Error ? error.stack : String(error)}`;
  const code = codeOf(error);
  return new Failure(code === 'IO' ? EXIT.disk : EXIT.refused, code, message, { cause: error });
}

/** What the system itself said has no advice yet. */
function told(error: Error): string {
  const why = 'syscall' in error ? shortageByErrno(errnoOf(error))?.why : undefined;
  return why === undefined ? error.message : `${error.message}: ${why}`;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'FAILED';
}

function writeText({ message, problems }: Failure, caller: string, terminal: Terminal): void {
  const width = terminal.noteWidth ?? Number.POSITIVE_INFINITY;
  for (const problem of problems.slice(0, MAX_SHOWN)) terminal.note(wrap(problemLine(problem), width).join('\n'));
  if (problems.length > MAX_SHOWN) terminal.note(`… and ${problems.length - MAX_SHOWN} more`);
  const [first = '', ...rest] = wrap(`${caller}: ${message}`, width);
  const head = first.startsWith(`${caller}:`) ? `${caller}:` : '';
  terminal.note([paint(terminal, 'bad', head) + first.slice(head.length), ...rest].join('\n'));
}

/** Breaks between words what a terminal would break anywhere; what goes on is set in. */
function wrap(text: string, width: number): readonly string[] {
  return text.split('\n').flatMap((line) => {
    if (line.length <= width) return [line];
    const [first = '', ...rest] = fill(line, width);
    return [first, ...fill(rest.join(' '), width - GAP.length).map((more) => GAP + more)];
  });
}

function problemLine({ file, line, column, path, message }: FileProblem): string {
  const place = column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
  return [place, path, message].filter((part) => part !== '').join(': ');
}

function jsonOf({ code, message, problems }: Failure): object {
  if (problems.length === 0) return { code, message };
  return { code, message, problems: problems.slice(0, MAX_SHOWN), problemsTotal: problems.length };
}

/** Tells whether errors are wanted as JSON, also when the words themselves are the error. */
function wantsJson(words: readonly string[], env: Environment): boolean {
  const at = words.findLastIndex((word) => /^(-o|--output(=|$))/.test(word));
  const word = words[at];
  if (word === undefined) return env.SHUNT_OUTPUT === 'json';
  return (['-o', '--output'].includes(word) ? words[at + 1] : word.replace(/^(-o=?|--output=)/, '')) === 'json';
}
