import { readName } from './intent.ts';
import { MAX_VERDICTS } from './packets.ts';
import { integer, list, nullable, object, optional, type Reader, readCode, readCount, record } from './read.ts';

/** The most redirects whose packets a status tells; `others` has the rest. */
export const MAX_BUSIEST = 64;

/** What met one redirect of a host within a span. */
export interface Met {
  readonly name: string;
  readonly packets: number;
  readonly bytes: number;
  /** Of `packets`, those that were passed because they could not be sent as they were; absent: none, or it is not counted. */
  readonly passed?: number;
}

/** Redirects that are not listed one by one. */
export interface Others {
  readonly redirects: number;
  readonly packets: number;
  readonly bytes: number;
}

/**
 * What packets did on a host within the `spanMs` that ended with the status that tells of it. It holds for one counting: where
 * that began anew within the span, nothing is told. Who is neither listed nor among the `others` had no packet.
 */
export interface Rates {
  readonly spanMs: number;
  /** Those with the most packets first. */
  readonly busiest: readonly Met[];
  /** Absent where all that had packets are listed. */
  readonly others?: Others;
  /** All that the program saw, by the name of its verdict; those that came up. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** Of what it sent on, known to have died; null: nothing is known to, and not all that would tell is watched. */
  readonly lost: number | null;
}

const readMet = object<Met>(
  { name: readName, packets: readCount, bytes: readCount, passed: optional(readCount) },
  'ignored',
);
const readOthers = object<Others>({ redirects: readCount, packets: readCount, bytes: readCount }, 'ignored');

export const readRates: Reader<Rates> = object<Rates>(
  {
    spanMs: integer(1),
    busiest: list(readMet, MAX_BUSIEST),
    others: optional(readOthers),
    verdicts: record(readCode, readCount, MAX_VERDICTS),
    lost: nullable(readCount),
  },
  'ignored',
);
