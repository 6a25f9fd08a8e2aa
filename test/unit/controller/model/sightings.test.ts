import test from 'ava';
import fc from 'fast-check';
import {
  confirmedBy,
  HEARD_FOR_MS,
  type Sightings,
  sighted,
  steadyRev,
} from '../../../../controller/model/sightings.ts';

/** A status: when it came, in seconds, and what it says. */
interface Came {
  readonly s: number;
  readonly applied: number;
  readonly unarmed?: number;
  readonly boot?: string;
  readonly epoch?: string;
}

/** Up to which rev each status in turn makes the host steady. */
function steadyAfter(came: readonly Came[]): readonly number[] {
  let sightings: Sightings | undefined;
  return came.map(({ s, applied, unarmed, boot = 'a', epoch = 'e' }) => {
    sightings = sighted(sightings, { boot, epoch, applied, ...(unarmed !== undefined && { unarmed }) }, s * 1000);
    return steadyRev(sightings, s * 1000);
  });
}

const CASES: Readonly<Record<string, { readonly came: readonly Came[]; readonly steady: readonly number[] }>> = {
  'ten seconds, and not a moment less': {
    came: [
      { s: 0, applied: 5 },
      { s: 9.999, applied: 5 },
      { s: 10, applied: 5 },
    ],
    steady: [0, 0, 5],
  },
  'one status is no time, however long ago': { came: [{ s: 100, applied: 5 }], steady: [0] },
  'a change that came meanwhile waits for its own time': {
    came: [
      { s: 0, applied: 5 },
      { s: 6, applied: 7 },
      { s: 10, applied: 9 },
      { s: 16, applied: 9 },
      { s: 20, applied: 9 },
    ],
    steady: [0, 0, 5, 7, 9],
  },
  'a change that did not stand before waits for its own time, too': {
    came: [
      { s: 0, applied: 5, unarmed: 4 },
      { s: 3600, applied: 5, unarmed: 4 },
      { s: 3601, applied: 5 },
      { s: 3610, applied: 5 },
      { s: 3611, applied: 5 },
    ],
    steady: [0, 3, 3, 3, 5],
  },
  'another start of the agent begins anew': {
    came: [
      { s: 0, applied: 5 },
      { s: 9, applied: 5, boot: 'b' },
      { s: 12, applied: 5, boot: 'b' },
      { s: 19, applied: 5, boot: 'b' },
    ],
    steady: [0, 0, 0, 5],
  },
  'what was said of another epoch is not of this log': {
    came: [
      { s: 0, applied: 900, epoch: 'x' },
      { s: 12, applied: 900 },
      { s: 22, applied: 900 },
    ],
    steady: [0, 0, 900],
  },
  'what a host took back it has to say again for as long': {
    came: [
      { s: 0, applied: 9 },
      { s: 5, applied: 4 },
      { s: 6, applied: 9 },
      { s: 10, applied: 9 },
      { s: 16, applied: 9 },
    ],
    steady: [0, 0, 0, 4, 9],
  },
};

for (const [what, { came, steady }] of Object.entries(CASES)) {
  test(`sightings: ${what}`, (t) => {
    t.deepEqual(steadyAfter(came), steady);
  });
}

test('sightings: a host that gets a change every second is confirmed within 15 s of each, and little is remembered', (t) => {
  let sightings: Sightings | undefined;
  for (let s = 0; s < 300; s += 1) {
    sightings = sighted(sightings, { boot: 'a', epoch: 'e', applied: s + 1 }, s * 1000);
    const steady = steadyRev(sightings, s * 1000);
    t.true(steady >= s + 1 - 15 && (s < 15 || steady > 0), `${s} s: ${steady}`);
    t.true(sightings.seen.length <= 12);
  }
});

const statuses = fc.array(
  fc.record({
    after: fc.constantFrom(0, 1, 500, 3000, 9999, 10_000, 15_000),
    applied: fc.integer({ min: 0, max: 6 }),
    boot: fc.constantFrom('a', 'a', 'a', 'b'),
  }),
  { minLength: 1, maxLength: 30 },
);

test('sightings: the steady rev is the largest that every status since one of ten seconds ago has applied', (t) => {
  fc.assert(
    fc.property(statuses, (drawn) => {
      let atMs = 0;
      let sightings: Sightings | undefined;
      const came: { readonly atMs: number; readonly applied: number; readonly boot: string }[] = [];
      for (const { after, applied, boot } of drawn) {
        atMs += after;
        came.push({ atMs, applied, boot });
        sightings = sighted(sightings, { boot, epoch: 'e', applied }, atMs);
        const since = came.findLastIndex((one) => one.boot !== boot) + 1; // this start
        const ofBoot = came.slice(since);
        const revs = ofBoot
          .filter((one) => atMs - one.atMs >= HEARD_FOR_MS)
          .map((one) => Math.min(...ofBoot.slice(ofBoot.indexOf(one)).map((later) => later.applied)));
        if (steadyRev(sightings, atMs) !== Math.max(0, ...revs)) return false;
      }
      return true;
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

const FREE = { steady: 9, status: { applied: 9 }, exceptions: [], head: 9 };
const BOUNDS: readonly (readonly [string, Parameters<typeof confirmedBy>[0], number])[] = [
  ['nothing in the way', FREE, 9],
  ['the newest status has applied less', { ...FREE, status: { applied: 7 } }, 7],
  ['the log ends before', { ...FREE, head: 6 }, 6],
  ['a change is not armed: neither to it nor past it', { ...FREE, status: { applied: 9, unarmed: 5 } }, 4],
  ['one that is not armed is past it all', { ...FREE, status: { applied: 9, unarmed: 10 } }, 9],
  ['a change was refused or taken back', { ...FREE, exceptions: [8, 3] }, 2],
  ['the first of all is not armed', { ...FREE, status: { applied: 9, unarmed: 1 } }, 0],
  ['not heard for long enough', { ...FREE, steady: 0 }, 0],
];

for (const [what, bounds, rev] of BOUNDS) {
  test(`sightings: confirmed by what the host says: ${what}`, (t) => {
    t.is(confirmedBy(bounds), rev);
  });
}
