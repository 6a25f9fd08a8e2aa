import type { ChangeRow } from '../store/schema.ts';
import type { Head } from '../store/tables/heads.ts';

/** Of what is more than so many changes none is kept: it is read when it is told. */
const FEW = 64;

/** The changes of a host, and how far its log had come before them. */
interface OfHost {
  readonly prev: number;
  readonly rows: ChangeRow[];
}

/** What one transaction wrote to logs, kept at hand while it is little, so that it need not be read back to be told. */
export class Hand {
  readonly #hosts = new Map<string, OfHost>();
  #count = 0;
  /** How many marks it raised. */
  raised = 0;

  /** `prev` is where the log of its host stood before. */
  add(row: ChangeRow, prev: number): void {
    this.#count += 1;
    const isMuch = this.#count > FEW;
    if (isMuch) this.#hosts.clear();
    const known = this.#hosts.get(row.host);
    if (known !== undefined) known.rows.push(row);
    else if (!isMuch) this.#hosts.set(row.host, { prev, rows: [row] });
  }

  /** Whether all that moved these heads is there. */
  has(heads: readonly Pick<Head, 'host'>[]): boolean {
    return this.#count <= FEW && heads.every(({ host }) => this.#hosts.has(host));
  }

  of({ host }: Pick<Head, 'host'>): OfHost {
    return this.#hosts.get(host) ?? { prev: 0, rows: [] };
  }
}
