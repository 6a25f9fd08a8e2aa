import { checksumOfText } from '../../../daemon/checksum.ts';
import { StoreError } from '../../model/store-error.ts';

type Sealed = { readonly checksum: string | null };
type Fields<Row> = Omit<Row, 'checksum'>;

/** The checksum of the rows of one table: over all of their columns, those of the key included. */
export class Seal<Row extends Sealed> {
  readonly #table: string;
  readonly #columns: readonly (keyof Fields<Row> & string)[];
  /** Of the row that was looked at last: the newest epoch is looked at with each transaction. */
  #last = { text: '', checksum: '' };

  /** What is stored was sealed with these columns in this order: they never change. */
  constructor(table: string, columns: readonly (keyof Fields<Row> & string)[]) {
    this.#table = table;
    this.#columns = columns;
  }

  put(row: Fields<Row>): Row {
    return { ...row, checksum: this.of(row) } as Row;
  }

  of(row: Fields<Row>): string {
    const text = JSON.stringify(this.#columns.map((column) => row[column]));
    if (text !== this.#last.text) this.#last = { text, checksum: checksumOfText(text) };
    return this.#last.checksum;
  }

  /** Whether a row is what was written. A release that knows no checksums is believed: it has none. */
  fits(row: Row): boolean {
    return row.checksum === null || row.checksum === this.of(row);
  }

  /** Answers the row. Errors: StoreError DAMAGED. */
  require(row: Row): Row {
    if (this.fits(row)) return row;
    throw new StoreError('DAMAGED', `a row of ${this.#table} does not fit its checksum`);
  }
}
