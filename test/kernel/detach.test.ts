import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();

interface Aimed {
  readonly said: string;
  readonly untouched: boolean;
}

interface Story {
  readonly refused: Readonly<Record<string, Aimed>>;
  readonly made: Aimed;
  readonly gone: boolean;
  readonly shared: Aimed & { readonly left: readonly string[] };
}

/** Where `v2` is: why it is nothing that attach made. */
const STRANGE: Readonly<Record<string, string>> = {
  'a plain folder': 'plain/v2 was not made by attach: it is not on a bpffs',
  'a file': 'file/v2 was not made by attach: it is no folder',
  'a bpffs of somebody else, with nothing of ours':
    'other/v2 was not made by attach: none of the maps that attach makes is in it',
  'an empty v2': 'bare/v2 was not made by attach: none of the maps that attach makes is in it',
  'a link to v2': 'linked/v2 was not made by attach: it is no folder',
  'v2 mounted there': 'bound/v2 was not made by attach: something is mounted there',
  'a link to root': 'bpf/v2 was not made by attach: …/bpf/v2/root is no pin',
  'a folder beside the pins': 'bpf/v2 was not made by attach: …/bpf/v2/more is no pin',
};

const LINKS: Readonly<Record<string, string>> = {
  'a link to the pin root': 'link',
  'a link, with a slash': 'link/',
  'a link above': 'up/bpf',
};

/** Who could put another folder there. */
const MOVABLE: Readonly<Record<string, string>> = {
  'a folder of somebody else above': '… is of user 4242',
  'a pin root of somebody else': '…/bpf is of user 4242',
  'a folder above that a group may write': '… is open to others (mode 770)',
  'a folder above that everybody may write': '… is open to others (mode 777)',
};

kernel('detach: removes only what attach made, and never through a link', async (t) => {
  t.timeout(60_000);
  const { refused, made, gone, shared } = (await runInNamespace(
    new URL('detach.scenario.ts', import.meta.url),
  )) as Story;
  const expected = {
    ...Object.fromEntries(
      Object.entries(STRANGE).map(([what, why]) => [
        what,
        `…/${why}; nothing was changed; if it is to go, remove it by hand`,
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(LINKS).map(([what, path]) => [
        what,
        `…/${path} leads through a symbolic link; nothing was changed; if it is meant, name …/bpf`,
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(MOVABLE).map(([what, who]) => [
        what,
        `another folder could be put in the place of …/bpf: ${who}; nothing was changed; name a folder of root below folders that root alone can change`,
      ]),
    ),
    'a bpffs of somebody else, empty': 'done',
    'pins of another layout':
      '…/older has pins of v1, and this is a program for v2; nothing was changed; detach by the release that made them, or run shunt attach first, which puts this one in their place',
    'leftovers that are none': 'done',
  };
  t.deepEqual(Object.fromEntries(Object.entries(refused).map(([what, { said }]) => [what, said])), expected);
  t.deepEqual(
    Object.entries(refused).flatMap(([what, { untouched }]) => (untouched ? [] : [what])),
    [],
    'nothing was changed',
  );
  t.like(made, { said: 'done', untouched: false });
  t.true(gone);
  t.like(shared, { said: 'done', left: ['theirs'] });
});
