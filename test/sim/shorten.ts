/** So many times at most it is tried to leave something out: each may take as long as a whole schedule. */
const TRIES = 300;

/** Leaves out of a list what is not needed for it to fail: runs of half its length first, then shorter ones, then single ones. */
export async function shorten<T>(
  all: readonly T[],
  fails: (some: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let kept = all;
  let tries = 0;
  for (let run = Math.ceil(kept.length / 2); run >= 1; run = run === 1 ? 0 : Math.ceil(run / 2)) {
    for (let at = 0; at < kept.length && tries < TRIES; ) {
      tries += 1;
      const without = [...kept.slice(0, at), ...kept.slice(at + run)];
      if (await fails(without)) kept = without;
      else at += run;
    }
  }
  return kept;
}
