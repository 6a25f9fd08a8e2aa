/** VLAN tags that a driver or a sender takes away: what attach does about it, and what detach, status and doctor say. */
import type { Finding } from '../../agent/doctor/finding.ts';
import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();
const observe = (scenario: string): Promise<unknown> =>
  runInNamespace(new URL('attach-tags.scenario.ts', import.meta.url), scenario);

const C = 'rx-vlan-hw-parse';
const S = 'rx-vlan-stag-hw-parse';
const BOTH = [C, S];
const NONE: readonly string[] = [];
const of = (device: string, ...names: readonly string[]): string[] => names.map((name) => `${name} of ${device}`);
const seen = (...switchedOff: readonly string[]) => ({ state: 'seen', switchedOff });
const detached = (...names: readonly string[]) => ({ detached: names, notRestored: [] });
const found = (level: Finding['level'], text: string, mend?: string): Finding => {
  return { level, check: 'VLAN tags', found: text, ...(mend !== undefined && { mend }) };
};
const refusal = (name: string, why: string): string =>
  `${name}: ${why}; a tagged packet would be redirected as if it had no tag; nothing was attached to it; ` +
  `attach with --accept-hidden-tags if none comes in by ${name}`;
const accepted = (name: string, why: string): Finding =>
  found('warn', `${name}: ${why}; accepted`, `keep tagged packets off ${name}: they count as untagged`);

kernel('attach: rx-vlan-offload of hardware is switched off, kept off, and put back as it was', async (t) => {
  const reach = (name: string): Finding => found('ok', `of ${name} reach the program`);
  t.deepEqual(await observe('switched'), {
    before: [BOTH, [C]],
    first: [
      { changed: true, tags: seen(...of('hw0', C, S)) },
      { changed: true, tags: seen(...of('hw1', C)) },
    ],
    off: [NONE, NONE],
    again: false,
    sound: [[], [reach('hw0'), reach('hw1')]],
    meddled: [
      ['hw0'],
      [
        found(
          'bad',
          `hw0: VLAN tags are hidden (on: ${C} of hw0)`,
          'shunt attach --interface hw0 switches it off again',
        ),
        reach('hw1'),
      ],
    ],
    mended: [{ changed: true, tags: seen(...of('hw0', C)) }, NONE],
    partly: [detached('hw0'), BOTH, NONE],
    whole: [detached('hw1'), [C], [false, false]],
  });
});

kernel('attach: hardware whose offload is fixed on (a stub of netOffloads) is refused unless accepted', async (t) => {
  const why = `its driver hides VLAN tags (fixed on: ${of('hw0', C, S).join(', ')})`;
  const tags = { state: 'hidden', why, switchedOff: [] };
  t.deepEqual(await observe('fixed'), {
    refused: [refusal('hw0', why), [false, false], false],
    accepted: { changed: true, tags },
    again: `accepted: ${JSON.stringify({ changed: false, tags })}`,
    told: [['hw0'], [accepted('hw0', why)]],
    anew: refusal('hw0', why),
    untouched: BOTH,
  });
});

kernel(
  'attach: a driver that agrees and leaves it on (a stub of netSetOffload) is refused unless accepted',
  async (t) => {
    const why = `its driver hides VLAN tags (left on: ${of('hw0', C, S).join(', ')})`;
    t.deepEqual(await observe('stubborn'), {
      refused: [refusal('hw0', why), false],
      accepted: { changed: true, tags: { state: 'hidden', why, switchedOff: [] } },
      told: ['warn'],
      detached: detached('hw0'),
    });
  },
);

kernel('attach: a bridge, whose tags the kernel hides, is refused unless accepted', async (t) => {
  const why = 'in generic mode the kernel hides the VLAN tags of a bridge';
  t.deepEqual(await observe('bridge'), {
    refused: refusal('br0', why),
    accepted: { changed: true, tags: { state: 'hidden', why, switchedOff: [] } },
    told: [['br0'], [accepted('br0', why)]],
  });
});

kernel('attach: where the program cannot be attached, the offload is as it was', async (t) => {
  t.deepEqual(await observe('failing'), {
    refused: 'attach to hw0 in native mode: ERANGE; try --mode generic or a smaller MTU',
    putBack: BOTH,
    others: NONE,
    detached: detached('hw1'),
  });
});

kernel('attach: what an older release attached is told of, and mended by attaching again', async (t) => {
  t.deepEqual(await observe('older'), {
    found: [['bad', 'shunt attach --interface hw0 switches it off again']],
    mended: { changed: true, tags: seen(...of('hw0', C, S)) },
    off: NONE,
    detached: detached('hw0'),
    on: BOTH,
  });
});

kernel('attach: an interface made anew is done anew, and one that is gone needs nothing put back', async (t) => {
  t.deepEqual(await observe('gone'), { anew: [of('hw0', C, S), NONE], detached: detached('hw0') });
});

kernel(
  'attach: the far end of a veth is looked at where it is in reach, and the command that is said works',
  async (t) => {
    const off = (device: string): string => `ethtool -K ${device} tx-vlan-hw-insert off tx-vlan-stag-hw-insert off`;
    const far = [
      { why: 'its far end, far-near, hides VLAN tags: tx-vlan-offload is on there', mend: off('far-near') },
      {
        why: 'its far end, v1 in far, hides VLAN tags: tx-vlan-offload is on there',
        mend: `nsenter --net=/run/netns/far ${off('v1')}`,
      },
      { why: 'whether the far end of w0 hides VLAN tags (tx-vlan-offload)', mend: `at the far end: ${off('IF')}` },
    ] as const;
    t.deepEqual(await observe('senders'), {
      said: far.map((one, at) => ({ state: at < 2 ? 'hidden' : 'unseen', ...one, switchedOff: [] })),
      found: [
        ['warn', `near: ${far[0].why}`, far[0].mend],
        ['warn', `v0: ${far[1].why}`, far[1].mend],
        ['unseen', far[2].why, far[2].mend],
      ],
      after: ['ok', 'ok', 'unseen'],
      hidden: [],
    });
  },
);
