import type { AnyCode } from './codes.ts';
import { object, optional, prose, readCode, readCount, readTime, record } from './read.ts';

/** Messages that the agent refused since it started. */
export interface RefusedStatus {
  readonly total: number;
  readonly byCode: Readonly<Record<string, number>>;
  readonly last?: { readonly code: AnyCode; readonly path: string; readonly at: number };
}

export const readRefused = object<RefusedStatus>(
  {
    total: readCount,
    byCode: record(readCode, readCount, 256),
    last: optional(
      object<NonNullable<RefusedStatus['last']>>({ code: readCode, path: prose(256), at: readTime }, 'ignored'),
    ),
  },
  'ignored',
);
