import { emitKeypressEvents } from 'node:readline';

/** A key as it is pressed: what it writes, or its name where it writes nothing, such as `escape` or `ctrl-c`. */
export type Key = string;

/** A terminal that is taken whole until it is disposed of: then it shows again what it showed before. */
export interface Screen extends Disposable {
  readonly columns: number;
  readonly rows: number;
  /** Shows these lines, and no others; each has to fit, escapes for colours aside. */
  draw(lines: readonly string[]): void;
  onKey(press: (key: Key) => void): void;
  onResize(redraw: () => void): void;
}

/** The other page of the terminal, no cursor, and what is too long is cut at the edge. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
/** Before a line and not behind it, where the cursor of a line that is full stands on its last character. */
const TO_LINE_END = '\x1b[K';
const TO_END = '\x1b[J';

type Ends = NodeJS.EventEmitter & Pick<NodeJS.Process, 'stdin' | 'stdout' | 'kill' | 'pid'>;

/** Takes the terminal of a process. Whatever ends the process gives it back. */
export class ProcessScreen implements Screen {
  readonly #process: Ends;
  readonly #held: (() => void)[] = [];
  #press: (key: Key) => void = () => {};
  #redraw: () => void = () => {};
  #taken = false;

  constructor(process: Ends) {
    this.#process = process;
    const { stdin, stdout } = process;
    emitKeypressEvents(stdin);
    this.#hold(stdin, 'keypress', (text: string | undefined, key: Pressed) => this.#hear(text, key));
    this.#hold(stdout, 'resize', () => this.#redraw());
    this.#hold(process, 'SIGCONT', () => this.#take());
    this.#hold(process, 'exit', () => this.#giveBack());
    this.#take();
  }

  get columns(): number {
    return this.#process.stdout.columns || 80;
  }

  get rows(): number {
    return this.#process.stdout.rows || 24;
  }

  draw(lines: readonly string[]): void {
    if (!this.#taken) return;
    const shown = lines.slice(0, this.rows).map((line) => `${TO_LINE_END}${line}`);
    const below = shown.length < this.rows ? `\r\n${TO_END}` : '';
    this.#process.stdout.write(`${HOME}${shown.join('\r\n')}${below}`);
  }

  onKey(press: (key: Key) => void): void {
    this.#press = press;
  }

  onResize(redraw: () => void): void {
    this.#redraw = redraw;
  }

  [Symbol.dispose](): void {
    this.#giveBack();
    for (const release of this.#held.splice(0)) release();
  }

  #hear(text: string | undefined, key: Pressed): void {
    if (key.ctrl && key.name === 'z') this.#suspend();
    else this.#press(keyOf(text, key));
  }

  /** As the terminal would do it: the shell has it until the job goes on. */
  #suspend(): void {
    this.#giveBack();
    this.#process.kill(this.#process.pid, 'SIGTSTP');
  }

  #take(): void {
    if (this.#taken) return;
    this.#taken = true;
    const { stdin, stdout } = this.#process;
    stdin.setRawMode(true);
    stdin.resume();
    stdout.write(ENTER);
    this.#redraw();
  }

  #giveBack(): void {
    if (!this.#taken) return;
    this.#taken = false;
    const { stdin, stdout } = this.#process;
    stdout.write(LEAVE);
    stdin.setRawMode(false);
    stdin.pause();
  }

  #hold(from: NodeJS.EventEmitter, event: string, hear: (...given: never[]) => void): void {
    const listener = hear as (...given: unknown[]) => void;
    from.on(event, listener);
    this.#held.push(() => from.off(event, listener));
  }
}

interface Pressed {
  readonly name?: string;
  readonly ctrl?: boolean;
}

function keyOf(text: string | undefined, { name = '', ctrl }: Pressed): Key {
  if (ctrl) return `ctrl-${name}`;
  return text !== undefined && /^[\x20-\x7e]$/.test(text) ? text : name;
}
