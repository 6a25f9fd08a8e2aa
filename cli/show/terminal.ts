import type { WriteStream } from 'node:tty';

/** Where a command writes: results to `print`, everything else to `note`, so that pipes carry results only. */
export interface Terminal {
  /** Columns of standard output, or undefined when it is no terminal: then nothing is cut. */
  readonly width: number | undefined;
  readonly colour: boolean;
  /** Writes one text and a line break to standard output. */
  print(text: string): void;
  /** Writes one text and a line break to standard error. */
  note(text: string): void;
  /** Shows a line that the next one replaces, on a terminal only; an empty text takes it away. */
  progress(text: string): void;
}

export type Tone = 'good' | 'warn' | 'bad' | 'strong';

const SGR: Readonly<Record<Tone, number>> = { good: 32, warn: 33, bad: 31, strong: 1 };

/** Colours a text where colours are wanted. */
export function paint(terminal: Pick<Terminal, 'colour'>, tone: Tone | undefined, text: string): string {
  return terminal.colour && tone !== undefined ? `\x1b[${SGR[tone]}m${text}\x1b[0m` : text;
}

/** Writes what deserves a second look, and is no error. */
export function noteText(terminal: Pick<Terminal, 'colour'>, text: string): string {
  return `${paint(terminal, 'warn', 'note:')} ${text}`;
}

/**
 * Makes the terminal of this process. A reader that went away (`shunt get | head -1`) ends the process quietly: nobody is
 * left to tell.
 */
export function processTerminal(process: NodeJS.Process): Terminal {
  const { stdout, stderr, env } = process;
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit();
    });
  }
  return {
    width: stdout.isTTY ? stdout.columns : undefined,
    colour: wantsColour(stdout, env),
    print: (text) => void stdout.write(`${text}\n`),
    note: (text) => void stderr.write(`${text}\n`),
    progress: (text) => void (stderr.isTTY && stderr.write(`\r\x1b[K${text}`)),
  };
}

/** NO_COLOR: https://no-color.org, any value but the empty one. */
function wantsColour(stream: Pick<WriteStream, 'isTTY'>, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}
