import { plain } from '../../protocol/plain.ts';
import { cut } from './format.ts';
import { fill, paint, type Terminal, type Tone } from './terminal.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** Never cut: half of it would say something else, or nothing. */
  readonly whole?: boolean;
  /** Long, and never cut: where lines do not fit, it stands on one of its own below its row. One column at most. */
  readonly below?: boolean;
  /** Below its row it may be broken between words; a key is copied, and may not. */
  readonly prose?: boolean;
}

/** A cell: its text, and how it is coloured where colours are wanted. */
export type Cell = string | { readonly text: string; readonly tone?: Tone | undefined };

/** Between columns, and before what stands below its row. */
export const GAP = '  ';
/** On a narrow terminal a whole column has so much room; what is longer shifts its own row, and no other. */
const MAX_WHOLE_WIDTH = 24;
/** Narrower than this a cut column says nothing any more. */
const MIN_CUT_WIDTH = 8;
const MIN_FIELD_WIDTH = 24;

/**
 * Lays rows out under their titles, a line each, without a line break at the end. Where the terminal is narrower than the
 * table, the column that may stand below does so; then the widest columns of text are cut with `…`; in a pipe nothing is.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  terminal: Pick<Terminal, 'width' | 'colour'>,
): string {
  return tableLines(columns, rows, terminal).flat().join('\n');
}

/** The same, each row by its lines; the titles are the first. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  terminal: Pick<Terminal, 'width' | 'colour'>,
): readonly (readonly string[])[] {
  const titles: readonly Cell[] = columns.map(({ title }) => ({ text: title, tone: 'strong' }));
  const whole = widthsOf(columns, rows);
  const at = columns.findIndex(({ below }) => below);
  const fits = terminal.width === undefined || widthOf(whole) <= terminal.width;
  if (fits || at === -1) return layRows(columns, [titles, ...rows], terminal).map((line) => [line]);
  const all = [titles, ...rows];
  const upper = layRows(
    columns.toSpliced(at, 1),
    all.map((row) => row.toSpliced(at, 1)),
    terminal,
  );
  return all.map((row, i) => [upper[i] ?? '', ...linesBelow(row[at] ?? '', columns[at], terminal)]);
}

/** Whether a table has room, once what may stand below its rows does: as a whole, or with its columns of text cut. */
export function fits(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  { width = Number.POSITIVE_INFINITY }: Pick<Terminal, 'width'>,
  how: 'whole' | 'cut',
): boolean {
  const beside = widthsOf(columns, rows).flatMap((wide, at) => {
    if (columns[at]?.below) return [];
    return [how === 'whole' || isWhole(columns[at]) ? wide : Math.min(wide, MIN_CUT_WIDTH)];
  });
  return widthOf(beside) <= width;
}

function linesBelow(
  cell: Cell,
  column: Column | undefined,
  terminal: Pick<Terminal, 'colour' | 'width'>,
): readonly string[] {
  const text = textOf(cell);
  if (text === '') return [];
  const room = (terminal.width ?? Number.POSITIVE_INFINITY) - GAP.length;
  const lines = column?.prose === true ? fill(text, room) : [text];
  return lines.map((line) => GAP + paint(terminal, toneOf(cell), line));
}

function layRows(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  terminal: Pick<Terminal, 'width' | 'colour'>,
): readonly string[] {
  const whole = widthsOf(columns, rows);
  const widths = terminal.width === undefined ? whole : fitted(whole, columns, rows, terminal.width);
  return rows.map((cells) =>
    columns
      .map((column, at) => layCell(cells[at] ?? '', widths[at] ?? 0, column, terminal))
      .join(GAP)
      .trimEnd(),
  );
}

function widthsOf(columns: readonly Column[], rows: readonly (readonly Cell[])[]): readonly number[] {
  return columns.map(({ title }, at) => {
    return rows.reduce((width, row) => Math.max(width, textOf(row[at]).length), title.length);
  });
}

/** Of a whole line. */
function widthOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
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

function layCell(cell: Cell, width: number, column: Column, terminal: Pick<Terminal, 'colour'>): string {
  const text = isWhole(column) ? textOf(cell) : cut(textOf(cell), width);
  const space = ' '.repeat(Math.max(width - text.length, 0));
  const painted = paint(terminal, toneOf(cell), text);
  return column.align === 'right' ? space + painted : painted + space;
}

/** A long cell that is never cut shifts its own row; where that one has no room then, all give way to it, if they can. */
function fitted(
  widths: readonly number[],
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  available: number,
): readonly number[] {
  const shifted = narrow(widths, columns, available, MAX_WHOLE_WIDTH);
  const lengthOf = (cells: readonly Cell[]): number =>
    widthOf(shifted.map((width, at) => (isWhole(columns[at]) ? Math.max(width, textOf(cells[at]).length) : width)));
  const least = widths.map((width, at) => (isWhole(columns[at]) ? width : Math.min(width, MIN_CUT_WIDTH)));
  if (widthOf(least) > available || rows.every((cells) => lengthOf(cells) <= available)) return shifted;
  return narrow(widths, columns, available, Number.POSITIVE_INFINITY);
}

/**
 * Takes from the widest column of text until the line fits, where those that are never cut have `wholeMax` at most. Where even
 * that does not help, nothing is cut: then lines wrap, and say it all.
 */
function narrow(
  widths: readonly number[],
  columns: readonly Column[],
  available: number,
  wholeMax: number,
): readonly number[] {
  if (widthOf(widths) <= available) return widths;
  const uncut = widths.map((width, at) => {
    const { title = '', whole } = columns[at] ?? {};
    return whole ? Math.min(width, Math.max(wholeMax, title.length)) : width;
  });
  const cutWidths = [...uncut];
  let excess = widthOf(cutWidths) - available;
  for (; excess > 0; excess--) {
    const texts = cutWidths.map((width, at) => (isWhole(columns[at]) ? 0 : width));
    const width = Math.max(...texts);
    if (width <= MIN_CUT_WIDTH) return uncut;
    cutWidths[texts.indexOf(width)] = width - 1;
  }
  return cutWidths;
}

/** A number that is cut would lie. */
function isWhole(column: Column | undefined): boolean {
  return column?.align === 'right' || column?.whole === true;
}

/** What comes from a peer must not command the terminal, or turn a line round. */
export function textOf(cell: Cell | undefined): string {
  return plain(typeof cell === 'string' ? cell : (cell?.text ?? ''));
}

function toneOf(cell: Cell): Tone | undefined {
  return typeof cell === 'string' ? undefined : cell.tone;
}
