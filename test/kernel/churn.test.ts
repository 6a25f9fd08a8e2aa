import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();
const BPF_ANY = 0;
const BPF_F_LOCK = 4;
const churn = (flags: number) =>
  runInNamespace(new URL('churn.scenario.ts', import.meta.url), String(flags)) as Promise<{
    readonly verdicts: { readonly PASSED?: string };
    readonly strangers: string;
  }>;

kernel(
  'churn: an entry rewritten under BPF_F_LOCK is hit by every packet, and no other key in its stead',
  async (t) => {
    t.deepEqual(await churn(BPF_F_LOCK), { verdicts: { DROPPED: '20000000' }, strangers: '0' });
  },
);

kernel("churn: rewritten without it, packets may miss it; still none takes another key's action", async (t) => {
  const { verdicts, strangers } = await churn(BPF_ANY);
  t.log(verdicts);
  t.is(strangers, '0');
  t.is(verdicts.PASSED, undefined);
});
