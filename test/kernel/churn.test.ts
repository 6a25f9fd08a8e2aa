import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();
/** More of them run in test/long/race.test.ts, with a table, too. */
const MILLIONS = 20;
const churn = (way: string) =>
  runInNamespace(new URL('churn.scenario.ts', import.meta.url), way, `${MILLIONS}`) as Promise<{
    readonly verdicts: { readonly DROPPED?: number; readonly PASSED?: number };
    readonly strangers: number;
  }>;

kernel(
  'churn: an entry rewritten under BPF_F_LOCK is hit by every packet, and no other key in its stead',
  async (t) => {
    const { verdicts, strangers } = await churn('locked');
    t.deepEqual({ verdicts, strangers }, { verdicts: { DROPPED: MILLIONS * 1_000_000 }, strangers: 0 });
  },
);

kernel("churn: rewritten without it, packets may miss it; still none takes another key's action", async (t) => {
  const { verdicts, strangers } = await churn('unlocked');
  t.log(verdicts);
  t.is(strangers, 0);
  t.is(verdicts.PASSED, undefined);
});
