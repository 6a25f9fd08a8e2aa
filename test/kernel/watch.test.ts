import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();
const scenario = (name: string, ...args: readonly string[]) => runInNamespace(new URL(name, import.meta.url), ...args);
/** A machine that does other things, too, takes long now and then. */
const WITHIN_MS = 5_000;

interface Story {
  readonly waited: readonly string[];
  readonly loopback: string;
  readonly refusals: Readonly<Record<'attach' | 'detach' | 'watch', string>>;
  readonly stands: Readonly<Record<string, boolean>>;
  readonly renamedPins: readonly string[];
  readonly leftAlone: unknown;
  readonly excess: string;
  readonly full: string;
  readonly status: number;
  readonly idle: string;
  readonly chosen: { readonly names: readonly string[]; readonly skipped: readonly Record<'name' | 'why', string>[] };
  readonly times: Readonly<Record<'anew' | 'renamed' | 'moved', readonly number[]>>;
}

kernel(
  'watch: interfaces come, go, come again, are renamed and moved, and have the program with their zones',
  async (t) => {
    t.timeout(120_000);
    const story = (await scenario('watch.scenario.ts')) as Story;
    t.deepEqual(story.waited, ['late', 'w*', 'l*']);
    t.is(story.loopback, 'it is the loopback: nothing comes in by it from outside');
    t.deepEqual(
      Object.entries(story.stands).filter(([, holds]) => !holds),
      [],
    );
    t.deepEqual(story.renamedPins, ['link_x0']);
    for (const [what, times] of Object.entries(story.times)) {
      t.log(
        what,
        times.map((ms) => Math.round(ms)),
      );
      t.true(
        times.every((ms) => ms >= 0 && ms < WITHIN_MS),
        what,
      );
    }
    t.is(story.status, 0, 'SIGTERM ends it in good order');

    const follows = 'a shunt attach --watch (process N) follows the interfaces of the pins at …/bpf/v2';
    t.is(story.refusals.attach, `${follows}; to attach by another command, end it first, which detaches nothing`);
    t.is(story.refusals.detach, `${follows}; to detach, end it first, which detaches nothing`);
    t.is(story.refusals.watch, `AttachError: ${follows}; to follow them, end it first, which detaches nothing`);
    t.deepEqual(story.leftAlone, {
      wport: 'it is a port of the bridge br0',
      wbusy: 'it carries another XDP program (id N), which Shunt never replaces',
      wtun: 'it is no Ethernet (tun)',
      wtap: 'it is a tap: a program, such as a virtual machine, is at its other end',
    });
    t.is(story.excess, 'fifteen interfaces have the program, or are to have it first');
    t.regex(
      story.full,
      /^16 interfaces would have the program, and there is room for 15: late, .*wz; nothing was attached/,
    );
    t.regex(
      story.idle,
      /^no interface that could be attached to is meant by nothing\* \(there are: lo, .*wait for it with --watch$/,
    );
    const [loopback, bridge] = story.chosen.skipped;
    t.deepEqual(story.chosen.names, ['late']);
    t.deepEqual(loopback, { name: 'lo', why: story.loopback });
    t.regex(
      bridge?.why ?? '',
      /^br0: in generic mode the kernel hides the VLAN tags of a bridge; .*--accept-hidden-tags/,
    );
  },
);

interface Flaps {
  readonly seconds: number;
  readonly looks: number;
  readonly attempts: number;
  readonly lines: number;
  readonly sums: readonly unknown[];
  readonly attached: number;
}

kernel('watch: ten interfaces that come and go each second cost a few looks, and a line a minute', async (t) => {
  t.timeout(120_000);
  const rounds = 4;
  const flaps = (await scenario('watch-flaps.scenario.ts', `${rounds}`)) as Flaps;
  t.log(flaps);
  t.is(flaps.attached, 10);
  t.true(flaps.looks <= 50, 'a look has its price');
  t.true(flaps.attempts <= 10 * (rounds + 1));
  t.is(flaps.sums.length, 1);
  t.is(flaps.lines, 61);
});
