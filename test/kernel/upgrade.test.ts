import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();

/** It is killed at one of so many system calls: `EVERY=1` for each. */
const EVERY = process.env.EVERY ?? '9';
const WHOLE = { runs: [true, true], begun: [], beside: [] };

interface Story extends Readonly<Record<string, unknown>> {
  readonly tags: readonly string[];
  /** The tag of the program on each tracepoint, of this build, the other one, and this one again. */
  readonly watched: readonly (readonly string[])[];
  readonly killed: {
    readonly points: number;
    readonly tried: number;
    readonly died: number;
    readonly wrong: unknown[];
  };
}

kernel(
  'attach: a program of another build takes the place of the one in force, and back, whatever becomes of attach',
  async (t) => {
    t.timeout(300_000);
    const story = (await runInNamespace(new URL('upgrade.scenario.ts', import.meta.url), EVERY)) as Story;
    const switched = ['in0', 'out0'];
    t.deepEqual(story.first, { to: '0.1.0', switched: [], changed: true });
    t.deepEqual(story.forth, { from: '0.1.0', to: '0.2.0', switched, changed: true });
    t.deepEqual(story.after, { standing: WHOLE, seen: ['generic', 'generic'], isBlind: false });
    t.deepEqual(story.again, { to: '0.2.0', switched: [], changed: false });
    t.deepEqual(story.back, { from: '0.2.0', to: '0.1.0', switched, changed: true });
    t.regex(story.tags[0] ?? '', /^[0-9a-f]{16}$/);
    t.deepEqual([story.tags[0] === story.tags[1], story.tags[0] === story.tags[2]], [false, true]);
    const [ours = [], theirs = [], again] = story.watched;
    t.is(ours.length, 4);
    t.deepEqual([ours.filter((tag, at) => tag === theirs[at]), again], [[], ours]);
    t.deepEqual(story.doctor, [
      ['ok', '0.1.0, tag …'],
      ['warn', '0.2.0, tag …: newer than this one, 0.1.0'],
      ['warn', 'of an older release, which did not say what it put in force'],
    ]);
    t.deepEqual(story.ofOld, { to: '0.2.0', switched, changed: true });
    t.deepEqual(story.later, WHOLE);
    t.regex(String(story.refused), /^open object …\/other\/bpf\/build\/redirect.bpf.o: /);
    t.deepEqual(story.afterRefusal, { standing: WHOLE, seen: ['generic', 'generic'], tag: true });
    const { points, tried, died, wrong } = story.killed;
    t.log(`killed at ${died} of ${points} system calls`);
    t.true(tried >= 8);
    t.is(died, tried);
    t.deepEqual(wrong, []);
    t.false(story.left);
  },
);
