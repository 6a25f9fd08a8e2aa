import { type Kysely, sql } from 'kysely';
import { upsert } from '../dialect.ts';
import { query } from '../query.ts';
import type { Schema, UploadPartRow } from '../schema.ts';
import type { Session } from '../session.ts';
import { type Judged, JudgedParts, judgedOf } from './judged-parts.ts';

/** Parts of an upload that nobody ends are kept so long. */
const KEPT_MS = 10 * 60_000;
/** What a part takes beside its specs, and no less: many small ones fill a disk, too. */
const PART_BYTES = 1024;

/** What the parts of an upload take together. */
export interface UploadSize {
  readonly upload: string;
  readonly bytes: number;
}

/** Parts of uploads that are not complete. They lie in the database because each may reach another controller. */
export class UploadTable {
  /** Of those that came here. */
  readonly ahead = new JudgedParts();
  readonly #put;
  readonly #one;
  readonly #sizes;
  readonly #drop;
  readonly #dropOld;

  constructor(db: Kysely<Schema>) {
    const parts = db.selectFrom('upload_parts');
    this.#put = query<UploadPartRow>((at) =>
      upsert(db, 'upload_parts', ['upload', 'part'], {
        upload: at('upload'),
        part: at('part'),
        parts: at('parts'),
        specs: at('specs'),
        at_ms: at('at_ms'),
      }),
    );
    this.#one = query<{ upload: string; part: number; parts: number }, Pick<UploadPartRow, 'specs'>>((at) =>
      parts
        .select('specs')
        .where('upload', '=', at('upload'))
        .where('part', '=', at('part'))
        .where('parts', '=', at('parts')),
    );
    // The length of a text is told without reading it.
    this.#sizes = query<object, UploadSize>(() =>
      parts
        .select(['upload', sql<number>`sum(octet_length(specs) + ${sql.lit(PART_BYTES)})`.as('bytes')])
        .groupBy('upload')
        .orderBy((all) => all.fn.max('at_ms'))
        .orderBy('upload'),
    );
    this.#drop = query<{ upload: string }>((at) => db.deleteFrom('upload_parts').where('upload', '=', at('upload')));
    this.#dropOld = query<{ before: number }>((at) => db.deleteFrom('upload_parts').where('at_ms', '<', at('before')));
  }

  put(session: Session, part: UploadPartRow): Promise<number> {
    return session.run(this.#put, part);
  }

  /** The specs of one part as they came, or `undefined` when that part of that many is not there. */
  async specs(session: Session, upload: string, part: number, parts: number): Promise<unknown[] | undefined> {
    const row = await session.first(this.#one, { upload, part, parts });
    return row && (JSON.parse(row.specs) as unknown[]);
  }

  /** What comes of the specs of one part; the same of one that is not there. */
  async judged(session: Session, upload: string, part: number, parts: number): Promise<Iterable<Judged> | undefined> {
    const row = await session.first(this.#one, { upload, part, parts });
    if (row === undefined) return undefined;
    const known = await this.ahead.take({ upload, part, text: row.specs });
    return known ?? judgedOf(JSON.parse(row.specs) as unknown[]);
  }

  /** How large each upload is that waits for parts; the one whose last part came longest ago is the first. */
  sizes(session: Session): Promise<UploadSize[]> {
    return session.all(this.#sizes, {});
  }

  drop(session: Session, upload: string): Promise<number> {
    this.ahead.drop(upload);
    return session.run(this.#drop, { upload });
  }

  /** Drops what was begun long ago and never ended. */
  dropOld(session: Session, nowMs: number): Promise<number> {
    this.ahead.dropOld(nowMs - KEPT_MS);
    return session.run(this.#dropOld, { before: nowMs - KEPT_MS });
  }
}
