import type { Native, NetLink } from '../../native/index.ts';
import { type TagOffload, TX_TAG_OFFLOADS, tagTaker } from '../kernel/vlan-tags.ts';
import { AttachError } from './attach-error.ts';
import { senderTo, tagCommand } from './sender.ts';

/** How the VLAN tags of what comes in by an interface fare. */
export type Tags =
  | { readonly state: 'seen' }
  /** Hidden by offloads of a driver that can be switched off. */
  | { readonly state: 'switchable'; readonly why: string; readonly offloads: readonly TagOffload[] }
  /** Hidden, or not known to be seen, for good; `offloads` can be switched off all the same. */
  | { readonly state: 'fixed'; readonly why: string; readonly offloads: readonly TagOffload[] }
  /** Hidden by who sends them: `mend` is the command. */
  | { readonly state: 'sender'; readonly why: string; readonly mend: string }
  /** Perhaps hidden by who sends them, who is not in reach. */
  | { readonly state: 'unseen'; readonly why: string; readonly mend: string };

/** Looks whether the program sees the VLAN tags of what comes in by an interface in this mode; changes nothing. */
export function lookAtTags(native: Native, link: NetLink, links: readonly NetLink[], mode: 'native' | 'generic'): Tags {
  const taker = tagTaker(native, link, links, mode);
  switch (taker.by) {
    case 'nobody':
      return { state: 'seen' };
    case 'driver':
      return byDriver(taker.offloads);
    case 'stack':
      return { state: 'fixed', why: `in generic mode the kernel hides the VLAN tags of a ${link.kind}`, offloads: [] };
    case 'unknown':
      return { state: 'fixed', why: `whether its driver hides VLAN tags is unknown (${taker.errno})`, offloads: [] };
    case 'sender':
      return bySender(native, link);
  }
}

function byDriver(offloads: readonly TagOffload[]): Tags {
  if (offloads.length === 0) return { state: 'seen' };
  const fixed = offloads.filter((one) => one.fixed);
  const switchable = offloads.filter((one) => !one.fixed);
  if (fixed.length === 0)
    return { state: 'switchable', why: `VLAN tags are hidden (on: ${namesOf(offloads)})`, offloads };
  return { state: 'fixed', why: `its driver hides VLAN tags (fixed on: ${namesOf(fixed)})`, offloads: switchable };
}

function bySender(native: Native, link: NetLink): Tags {
  const sender = senderTo(native, link);
  if (sender === undefined) {
    const mend = `at the far end: ethtool -K IF ${TX_TAG_OFFLOADS.map((name) => `${name} off`).join(' ')}`;
    return { state: 'unseen', why: `whether the far end of ${link.name} hides VLAN tags (tx-vlan-offload)`, mend };
  }
  if (sender.offloads.length === 0) return { state: 'seen' };
  const where = sender.netns === undefined ? sender.name : `${sender.name} in ${sender.netns}`;
  const why = `its far end, ${where}, hides VLAN tags: tx-vlan-offload is on there`;
  return { state: 'sender', why, mend: tagCommand(sender) };
}

/** As people read them: the device, and what of it. */
export function namesOf(offloads: readonly Pick<TagOffload, 'device' | 'name'>[]): string {
  return offloads.map(({ device, name }) => `${name} of ${device}`).join(', ');
}

/** Why an interface is refused whose VLAN tags nobody can show to the program. */
export function hiddenTags(name: string, why: string): AttachError {
  return new AttachError(
    `${name}: ${why}; a tagged packet would be redirected as if it had no tag; nothing was attached to it; ` +
      `attach with --accept-hidden-tags if none comes in by ${name}`,
  );
}
