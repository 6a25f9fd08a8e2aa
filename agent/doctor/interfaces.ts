import type { Native, NetLink } from '../../native/index.ts';
import { shellWord } from '../../protocol/plain.ts';
import { adviceFor } from '../attach/large.ts';
import { chooseMode, isEgress } from '../attach/mode.ts';
import { ZoneNames } from '../attach/zone-names.ts';
import type { About } from '../kernel/about.ts';
import { whole } from '../kernel/dump.ts';
import { errnoName } from '../kernel/errno.ts';
import { ndoXmit } from '../kernel/netdevs.ts';
import { pinPaths } from '../kernel/pins.ts';
import { asRoot, type Finding, findings } from './finding.ts';

const IFF_UP = 1;
const MODES: Readonly<Record<number, string>> = { 1: 'native', 2: 'generic', 3: 'offload', 4: 'several' };
const interfaces = findings('interfaces');

/** Looks at where the program is attached and how, and at what stops frames on their way out. */
export function examineInterfaces(native: Native, pinRoot: string, about: About | undefined): readonly Finding[] {
  const { rc, items: links } = whole(() => native.netLinks());
  if (rc < 0) return [interfaces.unseen(`rtnetlink: ${errnoName(rc)}`, asRoot())];
  if (about === undefined) return strangers(links);
  const zones = about.zones.filter((ifindex) => ifindex !== 0);
  if (zones.length === 0) return [interfaces.bad('the program is attached nowhere', 'shunt attach --interface IF')];
  const ours = links.filter((link) => zones.includes(link.ifindex) && isOurs(link, about));
  return [
    ...zones.map((ifindex) => examineAttached(ifindex, links, about, () => nameOf(native, pinRoot, about, ifindex))),
    ...ours.flatMap((link) => (link.xdpMode === 2 ? slower(native, link, links) : farEnd(link))),
    ...ours.flatMap(unsegmented),
    ...(ours.some(({ xdpMode }) => xdpMode === 1) ? deaf(native, links, ours) : []),
  ];
}

function strangers(links: readonly NetLink[]): readonly Finding[] {
  return links
    .filter(({ xdpMode }) => xdpMode !== 0)
    .map(({ name, xdpProgramId }) =>
      interfaces.unseen(
        `whose the XDP program ${xdpProgramId} on ${name} is`,
        asRoot(
          `if it is Shunt's, name the folder that its attach had: --pin-root; else bpftool net show dev ${shellWord(name)}`,
        ),
      ),
    );
}

function isOurs({ xdpMode, xdpProgramId }: NetLink, about: About): boolean {
  return xdpMode !== 0 && xdpProgramId === about.program;
}

/** What the device of a zone was called, which may be gone; undefined where no loader noted it. */
function nameOf(native: Native, pinRoot: string, { zones }: About, ifindex: number): string | undefined {
  using names = ZoneNames.find(native, pinPaths(pinRoot));
  return names?.of(zones)[zones.indexOf(ifindex)];
}

function gone(ifindex: number, name: string | undefined): Finding {
  const option = `--interface ${name === undefined ? 'IF' : shellWord(name)}`;
  return interfaces.warn(
    `${name ?? 'one'} that was attached is gone (index ${ifindex})`,
    `if it came back: shunt attach ${option}; else shunt detach ${option}`,
  );
}

function examineAttached(
  ifindex: number,
  links: readonly NetLink[],
  about: About,
  formerName: () => string | undefined,
): Finding {
  const link = links.find((one) => one.ifindex === ifindex);
  if (link === undefined) return gone(ifindex, formerName());
  const { name, xdpMode, xdpProgramId, flags, carrier } = link;
  if (xdpMode === 0) return interfaces.bad(`${name} lost its program`, `shunt attach --interface ${shellWord(name)}`);
  if (xdpProgramId !== about.program)
    return interfaces.bad(
      `${name} carries the program ${xdpProgramId} of somebody else`,
      `bpftool net show dev ${shellWord(name)} tells whose; Shunt never replaces it`,
    );
  const mode = `${MODES[xdpMode] ?? 'unknown'} mode`;
  if ((flags & IFF_UP) === 0)
    return interfaces.warn(`${name}: ${mode}, but it is down`, `ip link set ${shellWord(name)} up`);
  if (!carrier) return interfaces.warn(`${name}: ${mode}, but it has no carrier`, 'look at the cable or the far end');
  return interfaces.ok(`${name}: ${mode}, up`);
}

function slower(native: Native, link: NetLink, links: readonly NetLink[]): readonly Finding[] {
  const { mode, why } = chooseMode(native, link, links, 'auto');
  if (mode === 'generic') return [];
  return [
    interfaces.warn(
      `${link.name} is in generic mode, and native would deliver: ${why}`,
      `shunt detach --interface ${shellWord(link.name)}, then attach again; packets pass unredirected in between; leave it if attach said that its driver takes no program natively`,
    ),
  ];
}

/** A veth in native mode depends on its far end, which is mostly in another namespace: what is to be seen there is said. */
function farEnd({ name, kind }: NetLink): readonly Finding[] {
  if (kind !== 'veth') return [];
  const check = findings(`veth ${name}`);
  return [
    check.unseen(
      'whether its far end computes checksums before it sends: native redirects carry them as they are',
      'at the far end: ethtool -K IF tx off',
    ),
    check.unseen(
      `whether redirects back out of ${name} arrive: that takes native XDP at its far end`,
      'put a native XDP program there, or attach in generic mode here',
    ),
  ];
}

/** Of a veth in native mode all is said by its far end. */
function unsegmented(link: NetLink): readonly Finding[] {
  const mode = link.xdpMode === 2 ? 'generic' : 'native';
  const advice = link.kind === 'veth' && mode === 'native' ? undefined : adviceFor(link, mode);
  return advice === undefined ? [] : [findings(`packets at ${link.name}`).unseen(`whether ${advice.why}`, advice.mend)];
}

function deaf(native: Native, links: readonly NetLink[], ours: readonly NetLink[]): readonly Finding[] {
  const able = ndoXmit(native);
  if (able === undefined) return [];
  return links
    .filter((link) => ours.some((ingress) => isEgress(link, ingress)) && !able.has(link.ifindex))
    .map(({ name, kind }) =>
      interfaces.warn(
        `${name} sends no natively redirected frames`,
        `${kind === 'veth' ? 'turn GRO on at its far end (ethtool -K IF gro on), or ' : ''}attach in generic mode`,
      ),
    );
}
