import { once } from 'node:events';
import type { WriteStream } from 'node:tty';
import { plain, visible } from '../../protocol/plain.ts';
import { ProcessScreen, type Screen } from './screen.ts';
import { endOnWriteErrors } from './write-errors.ts';

/** Where a command writes: results to `print`, everything else to `note`, so that pipes carry results only. */
export interface Terminal {
  /** Columns of standard output: of the terminal, or COLUMNS. Undefined where neither says: then nothing is cut. */
  readonly width: number | undefined;
  /** The same of standard error. */
  readonly noteWidth: number | undefined;
  readonly colour: boolean;
  /** Writes one text and a line break to standard output. */
  print(text: string): void;
  /** Writes one text and a line break to standard error. */
  note(text: string): void;
  /** Shows a line that the next one replaces, on a terminal only; an empty text takes it away. */
  progress(text: string): void;
  /** Asks whether to go on; absent where nobody sits. Whatever is no yes is a no. */
  readonly confirm?: (question: string) => Promise<boolean>;
  /** Takes all of it, until that is disposed of; absent where nobody sits. */
  readonly screen?: () => Screen;
}

export type Tone = 'good' | 'warn' | 'bad' | 'strong';

const SGR: Readonly<Record<Tone, number>> = { good: 32, warn: 33, bad: 31, strong: 1 };

/** Colours a text where colours are wanted. */
export function paint(terminal: Pick<Terminal, 'colour'>, tone: Tone | undefined, text: string): string {
  return terminal.colour && tone !== undefined ? `\x1b[${SGR[tone]}m${text}\x1b[0m` : text;
}

/** Line breaks, and the colours above. */
const ESCAPE = '\u001b';
const OURS = new RegExp(`\\n|${ESCAPE}\\[(?:0|1|3[1-3])m`, 'y');
const LINE_BREAK = /\n/y;

/**
 * The same terminal, to which nothing that a text holds gives commands: much of it comes from others. JSON stays what it says,
 * for within its strings such characters are written alike.
 */
export function guarded(terminal: Terminal): Terminal {
  const seen = (text: string): string => visible(text, terminal.colour ? OURS : LINE_BREAK);
  return {
    width: terminal.width,
    noteWidth: terminal.noteWidth,
    colour: terminal.colour,
    print: (text) => terminal.print(seen(text)),
    note: (text) => terminal.note(seen(text)),
    progress: (text) => terminal.progress(seen(text)),
    ...(terminal.confirm !== undefined && { confirm: terminal.confirm }),
    ...(terminal.screen !== undefined && { screen: terminal.screen }),
  };
}

/** Writes what deserves a second look, and is no error. */
export function noteText(terminal: Pick<Terminal, 'colour' | 'width'>, text: string): string {
  const lines = fill(plain(text), (terminal.width ?? Number.POSITIVE_INFINITY) - 'note: '.length);
  return `${paint(terminal, 'warn', 'note:')} ${lines.join('\n      ')}`;
}

/** Writes it to standard error. */
export function notice(terminal: Pick<Terminal, 'colour' | 'noteWidth' | 'note'>, text: string): void {
  terminal.note(noteText({ colour: terminal.colour, width: terminal.noteWidth }, text));
}

/** Breaks a text between words into lines of at most `width` columns; a longer word has a line of its own. */
export function fill(text: string, width: number): readonly string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Makes the terminal of this process, which ends once it cannot be written to. */
export function processTerminal(process: NodeJS.Process): Terminal {
  const { stdout, stderr, env } = process;
  endOnWriteErrors(process, 'shunt');
  return {
    width: widthOf(stdout, env),
    noteWidth: widthOf(stderr, env),
    colour: wantsColour(stdout, env),
    print: (text) => void stdout.write(`${text}\n`),
    note: (text) => void stderr.write(`${text}\n`),
    progress: (text) => void (stderr.isTTY && stderr.write(`\r\x1b[K${text}`)),
    ...(process.stdin.isTTY && stderr.isTTY && { confirm: (question) => askYes(process, question) }),
    ...(process.stdin.isTTY && stdout.isTTY && env.TERM !== 'dumb' && { screen: () => new ProcessScreen(process) }),
  };
}

/** Ctrl-C and the end of the input are a no, too. */
async function askYes({ stdin, stderr }: Pick<NodeJS.Process, 'stdin' | 'stderr'>, question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: stdin, output: stderr });
  const none = Promise.race([once(lines, 'SIGINT'), once(lines, 'close')]).then(() => '');
  const answer = await Promise.race([lines.question(`${question} [y/N] `), none]);
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** Who pipes into something of a known width says so by COLUMNS, as with ls(1) and ps(1); a terminal knows better. */
function widthOf(
  stream: Pick<WriteStream, 'isTTY' | 'columns'>,
  { COLUMNS = '' }: NodeJS.ProcessEnv,
): number | undefined {
  if (stream.isTTY === true && stream.columns > 0) return stream.columns;
  return /^[1-9][0-9]{0,4}$/.test(COLUMNS) ? Number(COLUMNS) : undefined;
}

/** NO_COLOR: https://no-color.org, any value but the empty one. */
function wantsColour(stream: Pick<WriteStream, 'isTTY'>, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}
