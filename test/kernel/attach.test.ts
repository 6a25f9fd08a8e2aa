import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();

interface Story {
  readonly foreseen: unknown;
  readonly otherwise: unknown;
  readonly untouched: boolean;
  readonly foreseenBytes: boolean;
  readonly changed: readonly boolean[];
  readonly first: readonly {
    readonly name: string;
    readonly mode: string;
    readonly why: string;
    readonly changed: boolean;
  }[];
  readonly pins: Readonly<Record<'layout' | 'root', Readonly<Record<string, string>>>>;
  readonly refusals: Readonly<Record<string, string>>;
  readonly zones: readonly number[];
  readonly named: { readonly before: readonly number[]; readonly after: readonly number[]; readonly other: number };
  readonly strangers: unknown;
  readonly room: Readonly<Record<'full' | 'named3' | 'taken', string>> & {
    readonly missed: readonly string[];
    readonly left: boolean;
  };
  readonly detached: readonly (readonly string[])[];
  readonly left: boolean;
}

kernel('attach: twice changes nothing, interfaces may come again, and detach leaves nothing', async (t) => {
  t.timeout(60_000);
  const story = (await runInNamespace(new URL('attach.scenario.ts', import.meta.url))) as Story;
  const [size64, size128] = [64, 128].map((slots) => ({ layout: 2, slots, table: true }));
  t.deepEqual(story.foreseen, {
    interfaces: [{ name: 'v0', change: 'attach', mode: 'generic', why: story.first[0]?.why }],
    program: { to: { version: '0.1.0' }, switches: [] },
    maps: { to: size64, replaced: false },
  });
  t.true(story.untouched && story.foreseenBytes);
  const replaced = { from: size64, to: size128, replaced: true };
  t.deepEqual(story.otherwise, { maps: replaced, switches: ['v0'], isSame: true });
  t.deepEqual(story.changed, [true, false]);
  t.deepEqual(
    story.first.map(({ name, mode }) => [name, mode]),
    [['v0', 'generic']],
  );
  t.deepEqual(story.zones, [1], 'an interface made anew takes the zone of the one that is gone');
  t.deepEqual(story.named.after, story.named.before, 'and so do several, in another order, after others came');
  t.false(story.named.before.includes(story.named.other));
  t.deepEqual(story.strangers, { wrote: [{ done: true }], differ: true, took: false });
  const names = Array.from({ length: 15 }, (_, at) => `m${at}`).join(', ');
  const whole = (whose: string): string =>
    `15 interfaces are attached already, and there is room for no more: ${whose}; detach one first: shunt detach --interface IF`;
  t.is(story.room.full, whole(names));
  const [missed = '', ...others] = story.room.missed;
  t.regex(missed, /^m3 that was attached is gone \(index \d+\): if it came back: shunt attach --interface m3; else /);
  t.deepEqual(others, []);
  t.is(story.room.named3, whole(names.replace('m3', 'm3 (gone, but redirects name it in `in`)')));
  t.deepEqual([story.room.taken, story.room.left], ['accepted', false]);
  t.deepEqual(story.detached, [['v0'], []]);
  t.false(story.left);

  const { about, build, clock, root, tags, zones, ...maps } = story.pins.layout;
  t.deepEqual(
    [about, build, tags, zones, clock, root],
    ['0:65534 440', '0:65534 440', '0:65534 440', '0:65534 440', '65534:65534 600', '0:0 700'],
  );
  t.deepEqual([...new Set(Object.values(maps))], ['65534:65534 600'], 'every other map is its owner’s alone');
  t.deepEqual([...new Set(Object.values(story.pins.root))], ['0:0 600'], 'programs and links are root’s');

  t.is(
    story.refusals.otherMode,
    'v0 is attached in generic mode and native was asked for; run `shunt detach --interface v0` first; packets pass unredirected in between',
  );
  t.is(story.refusals.noInterface, 'there is no interface nope in this network namespace (there are: lo, v1, v0)');
  t.is(
    story.refusals.otherOwner,
    'the maps belong to 65534:65534 and 0:0 was asked for; run `shunt detach` and attach again; packets pass unredirected in between',
  );
  t.is(story.refusals.notThere, 'there is no interface v0,v1 in this network namespace (there are: lo, v1, v0)');
  t.is(story.refusals.gone, 'check pins …/bpf/v2/redirect4: ENOENT; pins are gone');
  t.is(story.refusals.others, 'check pins …/bpf/v2/redirect4: ESTALE; another map is pinned there now');
  t.is(
    story.refusals.incomplete,
    'open map …/bpf/v2/redirect4: ENOENT; pins are missing: run `shunt detach` and `shunt attach` as root',
  );
});
