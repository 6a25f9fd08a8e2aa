import type { WriteStream } from 'node:tty';

const REFRESH_MS = 100;
const WIDTH = 80;
const TITLE_WIDTH = 10;

/**
 * The demo's words: one line for each step, and on a terminal a live line below them. Elsewhere only the steps, plain.
 * The live line is asked for afresh ten times a second.
 */
export class Screen implements Disposable {
  readonly #out: Pick<WriteStream, 'write' | 'isTTY'>;
  readonly #timer: NodeJS.Timeout | undefined;
  #title = '';
  #live: () => string = () => '';
  #closed = false;

  constructor(out: Pick<WriteStream, 'write' | 'isTTY'>) {
    this.#out = out;
    if (out.isTTY) this.#timer = setInterval(() => this.#draw(), REFRESH_MS);
  }

  /** Sets what the live line says after the name of the step. */
  live(text: () => string): void {
    this.#live = text;
  }

  /** Prints a line above the live one; nothing any more once closed. */
  print(line = ''): void {
    if (this.#closed) return;
    this.#erase();
    this.#out.write(`${line}\n`);
    this.#draw();
  }

  begin(title: string): void {
    this.#title = title;
    this.#draw();
  }

  /** Ends the step begun last. What it came to may have several lines. */
  done(...lines: readonly string[]): void {
    this.#step(this.#paint(32, '✓'), lines);
  }

  failed(...lines: readonly string[]): void {
    this.#step(this.#paint(31, '✗'), lines);
  }

  #step(sign: string, [first = '', ...rest]: readonly string[]): void {
    const title = this.#title.padEnd(TITLE_WIDTH);
    this.#title = '';
    this.print(`  ${sign} ${this.#paint(1, title)}  ${first}`);
    for (const line of rest) this.print(`    ${''.padEnd(TITLE_WIDTH)}  ${line}`);
  }

  #paint(colour: number, text: string): string {
    return this.#out.isTTY && !process.env.NO_COLOR ? `\x1b[${colour}m${text}\x1b[0m` : text;
  }

  #erase(): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[K');
  }

  #draw(): void {
    if (!this.#out.isTTY || this.#closed) return;
    const line = `  … ${this.#title.padEnd(TITLE_WIDTH)}  ${this.#live()}`;
    this.#out.write(`\r\x1b[K${this.#title === '' ? '' : line.slice(0, WIDTH - 1)}`);
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    clearInterval(this.#timer);
    this.#erase();
    this.#closed = true;
  }
}

/** A count with its thousands apart. */
export function grouped(count: number | bigint): string {
  return count.toLocaleString('en-US');
}
