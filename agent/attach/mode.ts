import type { Native, NetLink } from '../../native/index.ts';
import { ndoXmit, whyUntold } from '../kernel/netdevs.ts';

export type Mode = 'auto' | 'native' | 'generic';

/** A way to attach, and why this one. */
export interface ChosenMode {
  readonly mode: 'native' | 'generic';
  readonly why: string;
}

const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const ARPHRD_ETHER = 1;
/** NETDEV_XDP_ACT_BASIC and _REDIRECT of include/uapi/linux/netdev.h. */
const NATIVE = 3n;

/**
 * Chooses native where it will deliver: the driver runs the program itself, and every other Ethernet device that is up
 * sends what is redirected to it. Otherwise generic, which delivers everywhere and is slower. GRO at the far end is not
 * enough for XDP_TX on a veth (kernel-facts: veth-tx).
 */
export function chooseMode(native: Native, link: NetLink, links: readonly NetLink[], wanted: Mode): ChosenMode {
  if (wanted !== 'auto') return { mode: wanted, why: 'as asked' };
  const able = ndoXmit(native);
  const features = native.netFeatures();
  if (able === undefined)
    return { mode: 'generic', why: `this kernel does not say what its drivers can do (${whyUntold(features.rc)})` };
  const own = features.items.find((it) => it.ifindex === link.ifindex)?.xdp ?? 0n;
  if ((own & NATIVE) !== NATIVE)
    return { mode: 'generic', why: `the driver of ${link.name} does not run XDP natively` };
  const others = links.filter((it) => isEgress(it, link));
  if (others.length === 0 && link.kind === 'veth')
    return {
      mode: 'generic',
      why: `${link.name} is the only way out, and a veth sends back natively only to a peer with XDP`,
    };
  const deaf = others.find((it) => !able.has(it.ifindex));
  if (deaf === undefined) return { mode: 'native', why: 'every interface sends natively redirected frames' };
  const advice = deaf.kind === 'veth' ? '; turn GRO on at its far end (ethtool -K PEER gro on)' : '';
  return { mode: 'generic', why: `${deaf.name} does not send natively redirected frames${advice}` };
}

/** Tells whether packets that come in at `ingress` may be redirected to a device. */
export function isEgress(candidate: NetLink, ingress: NetLink): boolean {
  const ethernet = candidate.type === ARPHRD_ETHER && (candidate.flags & IFF_LOOPBACK) === 0;
  return ethernet && (candidate.flags & IFF_UP) !== 0 && candidate.ifindex !== ingress.ifindex;
}
