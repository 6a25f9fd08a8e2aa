import { VERDICTS } from '../../agent/kernel/abi.ts';
import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();
const [SEED, RUNS] = [1, 150];
/** Of many that are planted (./dev fuzz packets --mutants), some that only few packets show. */
const MUTANTS = ['last-word-unchecked', 'mac-of-five-bytes'];

interface Seen {
  readonly own: {
    readonly packets: number;
    readonly byVerdict: Readonly<Record<string, number>>;
    readonly least?: string;
  };
  readonly found: readonly string[];
}

kernel(
  'fuzz: the program does with each of many drawn frames what its reference does, and a planted bug is seen',
  async (t) => {
    const scenario = new URL('fuzz.scenario.ts', import.meta.url);
    const { own, found } = (await runInNamespace(scenario, `${SEED}`, `${RUNS}`, ...MUTANTS)) as Seen;
    t.log(own);
    t.is(own.least, undefined);
    t.true(own.packets > 75_000);
    for (const verdict of VERDICTS) t.true((own.byVerdict[verdict] ?? 0) > 100, verdict);
    t.deepEqual(found, MUTANTS);
  },
);
