import { listen, type Said } from '../../model/live.ts';
import type { Report } from '../../ports.ts';
import type { Session } from '../session.ts';

/** What a host said last, and made ready to be asked of many redirects. */
export interface LastWord {
  readonly report: Report;
  readonly said: Said;
}

/** What is known of every host, and of it what it said last. */
interface Known {
  all(session: Session): Promise<ReadonlyMap<string, { readonly word: LastWord | undefined }>>;
}

/** What every host said last that can be read. */
export class LastWords {
  readonly #known: Known;

  constructor(known: Known) {
    this.#known = known;
  }

  /** By host. */
  async all(session: Session): Promise<ReadonlyMap<string, LastWord>> {
    const words = new Map<string, LastWord>();
    for (const [host, { word }] of await this.#known.all(session)) if (word !== undefined) words.set(host, word);
    return words;
  }
}

/** Most are never asked of any redirect before the next comes. */
export function wordOf(report: Report): LastWord {
  let said: Said | undefined;
  return {
    report,
    get said() {
      said ??= listen(report.status);
      return said;
    },
  };
}
