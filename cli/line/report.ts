import { paint, type Terminal } from '../show/terminal.ts';
import type { Environment } from './command-line.ts';
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
    ? error.message
    : `a fault of this program: ${error instanceof Error ? error.stack : String(error)}`;
  const code = codeOf(error);
  return new Failure(code === 'IO' ? EXIT.disk : EXIT.refused, code, message, { cause: error });
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'FAILED';
}

function writeText({ message, problems }: Failure, caller: string, terminal: Terminal): void {
  for (const problem of problems.slice(0, MAX_SHOWN)) terminal.note(problemLine(problem));
  if (problems.length > MAX_SHOWN) terminal.note(`… and ${problems.length - MAX_SHOWN} more`);
  terminal.note(`${paint(terminal, 'bad', `${caller}:`)} ${message}`);
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
