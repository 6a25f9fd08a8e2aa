import { paint, type Terminal, type Tone } from './terminal.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** Never cut: half of it would say something else, or nothing. */
  readonly whole?: true;
}

/** A cell: its text, and how it is coloured where colours are wanted. */
export type Cell = string | { readonly text: string; readonly tone?: Tone | undefined };

const GAP = '  ';
/** Narrower than this a cut column says nothing any more. */
const MIN_CUT_WIDTH = 8;
const MIN_FIELD_WIDTH = 24;

/**
 * Lays rows out under their titles, a line each, without a line break at the end.
 * Where the terminal is narrower than the table, the widest columns of text are cut with `…`; in a pipe nothing is.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  terminal: Pick<Terminal, 'width' | 'colour'>,
): string {
  const whole = columns.map(({ title }, at) => Math.max(title.length, ...rows.map((row) => textOf(row[at]).length)));
  const widths = terminal.width === undefined ? whole : narrow(whole, columns, terminal.width);
  const line = (cells: readonly Cell[]): string =>
    columns
      .map((column, at) => layCell(cells[at] ?? '', widths[at] ?? 0, column, terminal))
      .join(GAP)
      .trimEnd();
  return [line(columns.map(({ title }) => ({ text: title, tone: 'strong' }))), ...rows.map(line)].join('\n');
}

/** Lays out names and values, one pair a line; on a terminal, what does not fit goes on below itself. */
export function fields(
  pairs: readonly (readonly [name: string, value: Cell])[],
  terminal: Pick<Terminal, 'width' | 'colour'>,
): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  const room = Math.max((terminal.width ?? Number.POSITIVE_INFINITY) - width - GAP.length, MIN_FIELD_WIDTH);
  const indent = ' '.repeat(width + GAP.length);
  return pairs
    .map(([name, value]) => {
      const lines = fill(textOf(value), room).map((line) => paint(terminal, toneOf(value), line));
      return `${paint(terminal, 'strong', name.padEnd(width))}${GAP}${lines.join(`\n${indent}`)}`;
    })
    .join('\n');
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

function layCell(cell: Cell, width: number, { align }: Column, terminal: Pick<Terminal, 'colour'>): string {
  const text = cut(textOf(cell), width);
  const space = ' '.repeat(width - text.length);
  const painted = paint(terminal, toneOf(cell), text);
  return align === 'right' ? space + painted : painted + space;
}

/**
 * Takes from the widest column of text until the line fits. Where even that does not
 * help, nothing is cut: then lines wrap, and say it all.
 */
function narrow(widths: readonly number[], columns: readonly Column[], available: number): readonly number[] {
  const cutWidths = [...widths];
  let excess = widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1)) - available;
  for (; excess > 0; excess--) {
    const texts = cutWidths.map((width, at) => (isWhole(columns[at]) ? 0 : width));
    const width = Math.max(...texts);
    if (width <= MIN_CUT_WIDTH) return widths;
    cutWidths[texts.indexOf(width)] = width - 1;
  }
  return cutWidths;
}

/** A number that is cut would lie. */
function isWhole(column: Column | undefined): boolean {
  return column?.align === 'right' || column?.whole === true;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

function textOf(cell: Cell | undefined): string {
  return typeof cell === 'string' ? cell : (cell?.text ?? '');
}

function toneOf(cell: Cell): Tone | undefined {
  return typeof cell === 'string' ? undefined : cell.tone;
}
