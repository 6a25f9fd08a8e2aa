import { paint, type Terminal, type Tone } from './terminal.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
}

/** A cell: its text, and how it is coloured where colours are wanted. */
export type Cell = string | { readonly text: string; readonly tone?: Tone | undefined };

const GAP = '  ';
/** Narrower than this a cut column says nothing any more. */
const MIN_CUT_WIDTH = 8;

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

/** Lays out names and values, one pair a line. */
export function fields(
  pairs: readonly (readonly [name: string, value: Cell])[],
  terminal: Pick<Terminal, 'colour'>,
): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs
    .map(
      ([name, value]) =>
        `${paint(terminal, 'strong', name.padEnd(width))}${GAP}${paint(terminal, toneOf(value), textOf(value))}`,
    )
    .join('\n');
}

function layCell(cell: Cell, width: number, { align }: Column, terminal: Pick<Terminal, 'colour'>): string {
  const text = cut(textOf(cell), width);
  const space = ' '.repeat(width - text.length);
  const painted = paint(terminal, toneOf(cell), text);
  return align === 'right' ? space + painted : painted + space;
}

/**
 * Takes from the widest column of text until the line fits; a number that is cut would lie. Where even that does not
 * help, nothing is cut: then lines wrap, and say it all.
 */
function narrow(widths: readonly number[], columns: readonly Column[], available: number): readonly number[] {
  const cutWidths = [...widths];
  let excess = widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1)) - available;
  for (; excess > 0; excess--) {
    const texts = cutWidths.map((width, at) => (columns[at]?.align === 'right' ? 0 : width));
    const width = Math.max(...texts);
    if (width <= MIN_CUT_WIDTH) return widths;
    cutWidths[texts.indexOf(width)] = width - 1;
  }
  return cutWidths;
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
