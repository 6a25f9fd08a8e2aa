import type { Native, NetLink } from '../../native/index.ts';
import { shellWord } from '../../protocol/plain.ts';
import { TagMemory } from '../attach/tag-memory.ts';
import { lookAtTags, type Tags } from '../attach/tags.ts';
import type { About } from '../kernel/about.ts';
import { whole } from '../kernel/dump.ts';
import { pinPaths } from '../kernel/pins.ts';
import { type Finding, findings } from './finding.ts';

const GENERIC = 2;
const tagged = findings('VLAN tags');

/** Looks whether the program sees the VLAN tags of what comes in by the interfaces that it is attached to. */
export function examineTags(native: Native, pinRoot: string, about: About | undefined): readonly Finding[] {
  const links = whole(() => native.netLinks()).items;
  const ours = links.filter(({ xdpMode, xdpProgramId }) => xdpMode !== 0 && xdpProgramId === about?.program);
  using memory = ours.length === 0 ? undefined : TagMemory.find(native, pinPaths(pinRoot));
  return ours.map((link) => {
    const tags = lookAtTags(native, link, links, link.xdpMode === GENERIC ? 'generic' : 'native');
    return examine(link, tags, memory?.accepts(link.ifindex) ?? false);
  });
}

function examine({ name }: NetLink, tags: Tags, accepted: boolean): Finding {
  switch (tags.state) {
    case 'seen':
      return tagged.ok(`of ${name} reach the program`);
    case 'switchable':
    case 'fixed':
      return hidden(name, tags, accepted);
    case 'sender':
      return tagged.warn(`${name}: ${tags.why}`, tags.mend);
    case 'unseen':
      return tagged.unseen(tags.why, tags.mend);
  }
}

function hidden(name: string, { state, why }: Tags & { readonly why: string }, accepted: boolean): Finding {
  const found = `${name}: ${why}`;
  if (accepted) return tagged.warn(`${found}; accepted`, `keep tagged packets off ${name}: they count as untagged`);
  if (state === 'switchable')
    return tagged.bad(found, `shunt attach --interface ${shellWord(name)} switches it off again`);
  return tagged.bad(found, `shunt detach --interface ${shellWord(name)}, or attach with --accept-hidden-tags`);
}
