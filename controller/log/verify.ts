import type { EpochRow, SpecRow } from '../store/schema.ts';
import { epochSeal } from '../store/tables/epochs.ts';
import { mended, specSeal } from '../store/tables/spec-row.ts';
import { countOf, type Kept } from '../store/tables/sums.ts';
import { likely } from './likely.ts';
import { slowly, type Transaction } from './transaction.ts';

/** The tables of truth, looked through and mended as far as they prove how. */
export interface Found {
  /** How many specs there are fewer than were counted; undefined when they are those that were counted. */
  readonly lost: number | undefined;
  /** What was put right, for the log. */
  readonly mended: readonly string[];
}

type Place = Pick<Transaction, 'session' | 'tables' | 'turn'>;

/** A counter beyond this was never reached. */
const MAX_REV = Number.MAX_SAFE_INTEGER / 2;

/**
 * Looks through the tables that nothing can make anew, row by row, and at how many there are. What follows from a row's
 * truth is made anew; what does not prove its truth is left out, and missed. With `anew`, all rows are written again.
 */
export async function verifyTruth(place: Place, anew: boolean): Promise<Found> {
  const { session, tables } = place;
  const said: string[] = [];
  const unknown = await tables.hosts.mend(session, anew);
  if (unknown > 0) said.push(`the rows of ${unknown} hosts, which report again`);
  const unsorted = await tables.sets.mend(session, anew);
  if (unsorted > 0) said.push(`which set ${unsorted} redirects are in: apply them again with --set`);
  const unmarked = await tables.marks.mend(session, anew);
  if (unmarked > 0) said.push(`the marks of ${unmarked} hosts`);
  await verifyEpochs(place, anew, said);
  const lost = await verifySpecs(place, anew, said);
  if (lost === undefined) await tables.sets.dropOrphans(session);
  return { lost, mended: said };
}

async function verifySpecs(
  { session, tables, turn }: Place,
  anew: boolean,
  said: string[],
): Promise<number | undefined> {
  const kept = await tables.sums.kept(session, 'specs');
  const pairs: (readonly [SpecRow, SpecRow | undefined])[] = [];
  for await (const was of slowly(tables.specs.scan(session), turn)) pairs.push([was, mended(was)]);
  const rows = pairs.map(([was]) => was);
  const sound = pairs.flatMap(([, is]) => is ?? []);
  const touched = pairs.filter(([was, is]) => is?.checksum !== was.checksum || !specSeal.fits(was));
  if (touched.length > 0 && touched.some(([was]) => was.checksum !== null))
    said.push(`the rows of ${touched.length} redirects`);
  if (anew || touched.length > 0) await tables.specs.layAnew(session, sound);
  const counted = countOf(pairs.flatMap(([was, is]) => (is === undefined ? [] : [isSealed(was) ? was : is])));
  const now = countOf(sound);
  if (kept.sum === null) {
    const lost = rows.length - sound.length;
    await tables.sums.keep(session, 'specs', lost === 0 ? now : { rows: rows.length, sum: countOf(rows).sum });
    return lost === 0 ? undefined : lost;
  }
  await tables.sums.keep(session, 'specs', counted.sum === kept.sum ? now : kept);
  return counted.sum === kept.sum ? undefined : kept.rows - sound.length;
}

function isSealed(row: SpecRow): boolean {
  return row.checksum !== null && specSeal.fits(row);
}

async function verifyEpochs({ session, tables }: Place, anew: boolean, said: string[]): Promise<void> {
  const kept = await tables.sums.kept(session, 'epochs');
  const rows = [...tables.epochs.scan(session)];
  const sound = rows.flatMap((row) => soundEpoch(row, rows, kept) ?? []);
  const touched = sound.length < rows.length || sound.some((row, at) => row.checksum !== rows[at]?.checksum);
  const bad = rows.filter((row) => !epochSeal.fits(row)).length;
  if (bad > 0) said.push(`the rows of ${bad} epochs`);
  if (anew || touched || bad > 0) await tables.epochs.layAnew(session, sound);
  await tables.sums.keep(session, 'epochs', countOf(sound));
}

function soundEpoch(row: EpochRow, rows: readonly EpochRow[], kept: Kept): EpochRow | undefined {
  if (epochSeal.fits(row)) return epochSeal.put(row);
  const whole = (is: EpochRow) => kept.sum === countOf(rows.map((other) => (other === row ? is : other))).sum;
  return likely(row)
    .map((fields) => epochSeal.put(fields))
    .find((is) => is.checksum === row.checksum || whole(is));
}

/** The counter is never below what was given away. */
export async function verifyCounter({ session, tables, turn }: Place): Promise<void> {
  await tables.heads.dropBeyond(session, MAX_REV);
  const counter = await tables.epochs.lastRev(session);
  let last = 0;
  for await (const { rev } of slowly(tables.changes.scan(session), turn))
    if (rev <= MAX_REV) last = Math.max(last, rev);
  for (const { rev } of tables.heads.scan(session)) if (rev <= MAX_REV) last = Math.max(last, rev);
  for (const { first_rev } of tables.epochs.scan(session)) last = Math.max(last, first_rev - 1);
  if (counter < last || counter > MAX_REV) await tables.epochs.setLastRev(session, last);
}
