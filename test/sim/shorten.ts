/** Leaves out of a list what is not needed for it to fail: runs of half its length first, then shorter ones, then single ones. */
export async function shorten<T>(
  all: readonly T[],
  fails: (some: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let kept = all;
  for (let run = Math.ceil(kept.length / 2); run >= 1; run = run === 1 ? 0 : Math.ceil(run / 2)) {
    for (let at = 0; at < kept.length; ) {
      const without = [...kept.slice(0, at), ...kept.slice(at + run)];
      if (await fails(without)) kept = without;
      else at += run;
    }
  }
  return kept;
}
