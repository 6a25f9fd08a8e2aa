import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();

interface Failed {
  readonly said: string;
  /** What stood before and after, where they differ. */
  readonly left: string;
}

interface Story {
  readonly failed: Readonly<Record<string, Failed>>;
  readonly more: unknown;
  readonly instead: Readonly<Record<string, readonly (readonly [mode: string, why: string])[]>>;
  readonly jumbo: unknown;
  readonly removed: readonly boolean[];
  readonly left: readonly string[];
}

const TOO_LARGE = 'attach to big0 in native mode: ERANGE; try --mode generic or a smaller MTU';

const INSTEAD: Readonly<Record<string, string>> = {
  EOPNOTSUPP: 'its driver takes no program natively: EOPNOTSUPP; its driver runs no XDP program',
  EINVAL: 'its driver takes no program natively: EINVAL; its driver refuses, as it is set up now',
  ENOMEM:
    'its driver takes no program natively: ENOMEM; the kernel has no memory for it: free some, or raise the limit of this cgroup, or of locked memory (ulimit -l)',
};

kernel(
  'attach: what fails leaves nothing of itself, and a driver that refuses gets generic mode in auto',
  async (t) => {
    t.timeout(60_000);
    const story = (await runInNamespace(new URL('attach-fails.scenario.ts', import.meta.url))) as Story;
    for (const [when, { said, left }] of Object.entries(story.failed)) {
      t.is(left, '', when);
      if (/RAM/.test(when)) t.regex(said, /^the maps would take .* lower --max-redirects$/);
      else if (/auto/.test(when)) t.regex(said, /^attach to in0 in native mode: EBUSY; it carries another XDP program/);
      else t.is(said, TOO_LARGE, when);
    }
    t.is(Object.keys(story.failed).length, 9);
    t.deepEqual(
      story.more,
      [
        ['in0', false],
        ['out0', true],
      ],
      'the set that stood is whole, and takes another',
    );
    for (const [errno, why] of Object.entries(INSTEAD)) t.deepEqual(story.instead[errno], [['generic', why]]);
    t.deepEqual(
      story.jumbo,
      [['generic', 'its driver takes no program natively: ERANGE; the MTU is too large']],
      'a driver that really refuses',
    );
    t.deepEqual(
      story.removed,
      [true, true, false],
      'detach says that it removed pins, also where nothing was attached',
    );
    t.deepEqual(story.left, ['empty', 'theirs']);
  },
);
