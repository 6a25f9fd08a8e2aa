import type { Key, Screen } from '../../../cli/show/screen.ts';

/** A screen that keeps what is drawn, and whose keys a test presses. */
export class KeptScreen implements Screen {
  columns = 80;
  rows = 24;
  lines: readonly string[] = [];
  press: (key: Key) => void = () => {};
  redraw: () => void = () => {};

  draw(lines: readonly string[]): void {
    this.lines = lines;
  }

  onKey(press: (key: Key) => void): void {
    this.press = press;
  }

  onResize(redraw: () => void): void {
    this.redraw = redraw;
  }

  [Symbol.dispose](): void {}
}
