import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();

kernel(
  'attach: maps that nobody fills, or that their loader leaves, are taken back, and what stands goes on',
  async (t) => {
    t.timeout(120_000);
    const story = (await runInNamespace(new URL('succession.scenario.ts', import.meta.url))) as Record<string, unknown>;
    const waiting = 'waiting until an agent of this release has filled the new maps at …/bpf/next';
    t.like(story, {
      empty: [[4, 8]],
      tables: [[[true, false, true], 'off'], ['off'], [[false, true, true], 'on'], ['on']],
      asBefore: [],
      tooSmall: '3 redirects stand at …/bpf and room for 2 was asked for; delete some first, or ask for more',
      told: [waiting, waiting],
      afterRefusals: { folders: ['agent', 'v2'], followed: 'same', slots: 8 },
      begun: 'other',
      filling: { slots: 16, coming: true, followed: 'same' },
      busy: 'lock …/bpf: another attach or detach is at work there; try again',
      changed: true,
      put: [true, true],
      left: { tended: 'same', folders: ['agent', 'next', 'v2'] },
      untended: 'other',
      doctor: [
        'warn',
        'maps that are to take the place of these are at …/bpf/next: shunt attach is at work, or was killed',
      ],
      back: { slots: 8, coming: false, followed: 'same' },
      entries: 3,
      gone: true,
    });
    const [stood = [], coming = [], back = []] = story.epochs as readonly (readonly string[])[];
    t.is(stood[0], stood[1], 'counts can be subtracted');
    t.not(coming[0], coming[1], 'what the others counted is still to be added');
    t.is(back[0], back[1]);
    t.is(new Set([...stood, ...coming, ...back]).size, 4, 'of each opening another counting');
    t.is(
      story.nobody,
      'no agent filled the new maps at …/bpf within 0.2 s, so those that stood go on; no agent keeps them: start one of this release, and attach again',
    );
    t.regex(
      `${story.unwilling}`,
      /; process \d+ keeps them: see its log, restart it if it is of an older release, and attach/,
    );
    t.is(story.ended, 0);
    t.deepEqual(story.afterwards, { folders: ['agent', 'v2'], entries: 3 });
  },
);
