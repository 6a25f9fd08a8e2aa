import { rmSync } from 'node:fs';
import { StoreError } from '../model/store-error.ts';
import { connect, queriesOn } from './database.ts';
import { EventTable } from './event-table.ts';
import { toStoreError } from './failure.ts';

/** A file that says another number is made anew. */
const VERSION = 1;
const TABLES = `
  create table events (id integer primary key, key text, at_ms integer not null, kind text not null, body text not null) strict;
  create index events_by_key on events (key, id);
`;

/**
 * The flight recorder: an aid, in a file of its own, so that no damage of it touches what is desired. It is opened when it
 * is used first, and made anew when it cannot be read. A power cut may take the last events.
 */
export class EventFile {
  readonly #path: string;
  #events: EventTable | undefined;
  #close: () => void = () => {};

  constructor(path: string) {
    this.#path = path;
  }

  /** Runs one transaction. Errors: StoreError; the next call opens the file again. */
  run<T>(work: (events: EventTable) => T): T {
    try {
      return this.#attempt(work);
    } catch (error) {
      const known = toStoreError(error, this.#path, 'events');
      if (!(known instanceof StoreError) || known.passing) throw known;
      this.close();
      if (known.code !== 'DAMAGED') throw known;
      for (const suffix of ['', '-wal', '-shm']) rmSync(this.#path + suffix, { force: true });
      return this.#attempt(work);
    }
  }

  close(): void {
    this.#close();
    this.#close = () => {};
    this.#events = undefined;
  }

  #attempt<T>(work: (events: EventTable) => T): T {
    const events = this.#events ?? this.#open();
    return events.raw.transaction(() => work(events)).immediate();
  }

  #open(): EventTable {
    const raw = connect(this.#path, 'NORMAL');
    this.#close = () => raw.close();
    const found = raw.pragma('user_version', { simple: true });
    if (found !== VERSION && found !== 0) throw new StoreError('DAMAGED', this.#path, `events of version ${found}`);
    if (found === 0) raw.exec(`begin immediate; ${TABLES} pragma user_version = ${VERSION}; commit`);
    this.#events = new EventTable({ raw, queries: queriesOn(raw) });
    return this.#events;
  }
}
