/**
 * VLAN offloads of drivers and of senders as attach, detach, status and doctor handle them; run by attach-tags.test.ts,
 * one scenario a process. Interfaces named hw… are veths, of which only the kind is hidden, so that they count as hardware:
 * their offloads are real.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AttachOptions, attach } from '../../agent/attach/attach.ts';
import { detach } from '../../agent/attach/detach.ts';
import type { Finding } from '../../agent/doctor/finding.ts';
import { examineTags } from '../../agent/doctor/tags.ts';
import { NativeKernel } from '../../agent/kernel/native-kernel.ts';
import { openMaps, readAbout } from '../../agent/kernel/open-maps.ts';
import { pinPaths } from '../../agent/kernel/pins.ts';
import { loadNative, type Native } from '../../native/index.ts';
import { printResult } from '../support/netns.ts';

const real = loadNative();
const CTAG = 'rx-vlan-hw-parse';
const STAG = 'rx-vlan-stag-hw-parse';
const run = (words: string): unknown => execFileSync('sh', ['-ec', words]);

/** The addon, with some calls put in another way, and hardware by name. */
function withHardware(calls: Partial<Native> = {}): Native {
  const netLinks = (): ReturnType<Native['netLinks']> => {
    const { rc, items } = real.netLinks();
    return { rc, items: items.map((link) => (link.name.startsWith('hw') ? { ...link, kind: null } : link)) };
  };
  return { ...real, netLinks, ...calls };
}

/** Stub of the one ethtool call: every driver says that nothing can be changed. */
const fixed = (): Native =>
  withHardware({ netOffloads: (...args) => ({ ...real.netOffloads(...args), changeable: [] }) });

/** Stub of the other: a driver that agrees and does nothing. */
const stubborn = (): Native => withHardware({ netSetOffload: () => 0 });

class Bed implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'shunt-tags-'));
  readonly pinRoot = join(this.folder, 'bpf');
  readonly paths = pinPaths(this.pinRoot);

  constructor(...names: readonly string[]) {
    for (const name of names)
      run(`ip link add ${name} type veth peer far-${name}; ip link set ${name} up; ip link set far-${name} up`);
  }

  attach(native: Native, name: string, more: Partial<AttachOptions> = {}) {
    const { interfaces, changed } = attach(native, {
      ...{ interfaces: [name], mode: 'generic', pinRoot: this.pinRoot, maxRedirects: 64 },
      acceptPrivatePins: true,
      ...more,
    });
    return { changed, tags: interfaces[0]?.tags };
  }

  refusal(native: Native, name: string, more: Partial<AttachOptions> = {}): string {
    try {
      return `accepted: ${JSON.stringify(this.attach(native, name, more))}`;
    } catch (error) {
      return (error as Error).message;
    }
  }

  detach(native: Native, ...names: readonly string[]) {
    const { detached, notRestored } = detach(native, this.pinRoot, names);
    return { detached, notRestored };
  }

  /** What stands of an attempt that was refused. */
  left(name: string): readonly boolean[] {
    return [
      existsSync(this.paths.layout),
      real.netLinks().items.some((link) => link.name === name && link.xdpMode !== 0),
    ];
  }

  /** What the agent sees: interfaces whose tags are hidden. */
  hidden(native: Native): readonly string[] {
    using kernel = new NativeKernel(native, this.pinRoot);
    return kernel.net.network().netdevs.flatMap(({ name, hidesTags }) => (hidesTags ? [name] : []));
  }

  doctor(native: Native): readonly Finding[] {
    const maps = openMaps(native, this.paths, 'agent');
    const about = readAbout(native, maps);
    for (const map of Object.values(maps)) native.close(map);
    return examineTags(native, this.pinRoot, about);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

function offloads(name: string): readonly string[] {
  const ifindex = real.netLinks().items.find((link) => link.name === name)?.ifindex ?? 0;
  return real.netOffloads(ifindex, null).active.filter((offload) => offload === CTAG || offload === STAG);
}

const scenarios: Record<string, () => unknown> = {
  /** Somebody switches it on again in between, and another one was off before. */
  switched() {
    using bed = new Bed('hw0', 'hw1');
    const native = withHardware();
    run(`ethtool -K hw1 ${STAG} off`);
    const before = [offloads('hw0'), offloads('hw1')];
    const first = [bed.attach(native, 'hw0'), bed.attach(native, 'hw1')];
    const off = [offloads('hw0'), offloads('hw1')];
    const again = bed.attach(native, 'hw0').changed;
    const sound = [bed.hidden(native), bed.doctor(native)];
    run(`ethtool -K hw0 ${CTAG} on`);
    const meddled = [bed.hidden(native), bed.doctor(native)];
    const mended = [bed.attach(native, 'hw0'), offloads('hw0')];
    const partly = [bed.detach(native, 'hw0'), offloads('hw0'), offloads('hw1')];
    const whole = [bed.detach(native), offloads('hw1'), bed.left('hw0')];
    return { before, first, off, again, sound, meddled, mended, partly, whole };
  },

  fixed() {
    using bed = new Bed('hw0');
    const native = fixed();
    const refused = [bed.refusal(native, 'hw0'), bed.left('hw0'), existsSync(bed.pinRoot)];
    const accepted = bed.attach(native, 'hw0', { acceptHiddenTags: true });
    const again = bed.refusal(native, 'hw0');
    const told = [bed.hidden(native), bed.doctor(native)];
    bed.detach(native);
    const anew = bed.refusal(native, 'hw0');
    return { refused, accepted, again, told, anew, untouched: offloads('hw0') };
  },

  stubborn() {
    using bed = new Bed('hw0');
    const native = stubborn();
    const refused = [bed.refusal(native, 'hw0'), bed.left('hw0')[1]];
    const accepted = bed.attach(native, 'hw0', { acceptHiddenTags: true });
    const told = bed.doctor(native).map(({ level }) => level);
    return { refused, accepted, told, detached: bed.detach(native) };
  },

  bridge() {
    using bed = new Bed('port');
    run('ip link add br0 type bridge; ip link set br0 up; ip link set port master br0');
    const refused = bed.refusal(real, 'br0');
    const accepted = bed.attach(real, 'br0', { acceptHiddenTags: true });
    const told = [bed.hidden(real), bed.doctor(real)];
    bed.detach(real);
    return { refused, accepted, told };
  },

  /** The link cannot be made: native mode, and frames too large for it. */
  failing() {
    using bed = new Bed('hw0', 'hw1');
    const native = withHardware();
    run('ip link set hw0 mtu 9000; ip link set far-hw0 mtu 9000');
    bed.attach(native, 'hw1');
    return {
      refused: bed.refusal(native, 'hw0', { mode: 'native' }),
      putBack: offloads('hw0'),
      others: offloads('hw1'),
      detached: bed.detach(native),
    };
  },

  /** Pins that an older release made. */
  older() {
    using bed = new Bed('hw0');
    bed.attach(real, 'hw0');
    unlinkSync(bed.paths.tags);
    const native = withHardware();
    const found = bed.doctor(native).map(({ level, mend }) => [level, mend]);
    const mended = bed.attach(native, 'hw0');
    return { found, mended, off: offloads('hw0'), detached: bed.detach(native), on: offloads('hw0') };
  },

  /** Deleted while attached, and made again. */
  gone() {
    using bed = new Bed('hw0');
    const native = withHardware();
    bed.attach(native, 'hw0');
    run('ip link del hw0; ip link add hw0 type veth peer far-hw0; ip link set hw0 up; ip link set far-hw0 up');
    const anew = [bed.attach(native, 'hw0').tags?.switchedOff, offloads('hw0')];
    run('ip link del hw0');
    return { anew, detached: bed.detach(native) };
  },

  /** Far ends here, in a namespace with a name, and in one without. */
  senders() {
    run('mkdir -p /run/netns; mount -t tmpfs tmpfs /run/netns; ip netns add far; ip netns add lost');
    using bed = new Bed('near');
    run('ip link add v0 type veth peer name v1 netns far; ip link set v0 up; ip -n far link set v1 up');
    run('ip link add w0 type veth peer name w1 netns lost; ip link set w0 up; ip -n lost link set w1 up');
    // Its name goes, the namespace stays as long as somebody holds it: we do.
    const held = join(bed.folder, 'lost');
    run(`touch ${held}; mount --bind /run/netns/lost ${held}; ip netns del lost`);
    const said = ['near', 'v0', 'w0'].map((name) => bed.attach(real, name).tags);
    const found = bed.doctor(real).map(({ level, found, mend }) => [level, found, mend]);
    for (const tags of said.slice(0, 2)) run(tags?.mend ?? 'false');
    const after = bed.doctor(real).map(({ level }) => level);
    const hidden = bed.hidden(real);
    bed.detach(real);
    run(`ip netns del far; umount ${held} /run/netns`);
    return { said, found, after, hidden };
  },
};

printResult(scenarios[process.argv[2] ?? '']?.());
