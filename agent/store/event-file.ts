import { rmSync } from 'node:fs';
import { StoreError } from '../model/store-error.ts';
import { connect, type OpenDatabase, queriesOn } from './database.ts';
import { EventTable } from './event-table.ts';
import { isDamage, toStoreError } from './failure.ts';

/** A file that says another number is made anew. */
const VERSION = 1;
const TABLES = `
  create table events (id integer primary key, key text, at_ms integer not null, kind text not null, body text not null) strict;
  create index events_by_key on events (key, id);
`;

interface Opened {
  readonly raw: OpenDatabase['raw'];
  readonly events: EventTable;
}

/**
 * The flight recorder: an aid, in a file of its own, so that no damage of it touches what is desired. It is opened when it
 * is used first, and made anew when it cannot be read. A power cut may take the last events.
 */
export class EventFile {
  readonly #path: string;
  #opened: Opened | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Runs one transaction. Errors: StoreError; the next call opens the file again. */
  run<T>(work: (events: EventTable) => T): T {
    try {
      return this.#attempt(work, open);
    } catch (error) {
      if (!isDamage(error)) throw error;
      return this.#attempt(work, openAnew);
    }
  }

  close(): void {
    this.#opened?.raw.close();
    this.#opened = undefined;
  }

  #attempt<T>(work: (events: EventTable) => T, opening: typeof open): T {
    try {
      this.#opened ??= opening(this.#path);
      const { raw, events } = this.#opened;
      return raw.transaction(() => work(events)).immediate();
    } catch (error) {
      const known = toStoreError(error, this.#path, 'events');
      if (known instanceof StoreError && !known.passing) this.close();
      throw known;
    }
  }
}

function openAnew(path: string): Opened {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  return open(path);
}

function open(path: string): Opened {
  const raw = connect(path, 'NORMAL');
  try {
    const found = raw.pragma('user_version', { simple: true });
    if (found !== VERSION && found !== 0) throw new StoreError('DAMAGED', path, `events of version ${found}`);
    if (found === 0) raw.exec(`begin immediate; ${TABLES} pragma user_version = ${VERSION}; commit`);
    return { raw, events: new EventTable({ raw, queries: queriesOn(raw) }) };
  } catch (error) {
    raw.close();
    throw error;
  }
}
