import test from 'ava';
import { hidesTags, type TagTaker, tagTaker } from '../../../../agent/kernel/vlan-tags.ts';
import type { NetLink, NetOffloads } from '../../../../native/index.ts';

const C = 'rx-vlan-hw-parse';
const S = 'rx-vlan-stag-hw-parse';

function linkOf(ifindex: number, kind: string | null, master = 0): NetLink {
  const none = { flags: 1, operState: 6, carrier: true, carrierDowns: 0, mtu: 1500, mac: new Uint8Array(6), type: 1 };
  return {
    ...none,
    ifindex,
    name: `if${ifindex}`,
    kind,
    master,
    link: 0,
    linkNamespace: null,
    xdpMode: 0,
    xdpProgramId: 0,
  };
}

/** Device 1 takes both tags, S-tags for good; 2 takes C-tags; 3 none; of 4 nothing is known. */
const DEVICES: Readonly<
  Record<number, readonly [rc: number, active: readonly string[], changeable: readonly string[]]>
> = {
  1: [0, ['rx-gro', C, S], ['rx-gro', C]],
  2: [0, [C], [C, S]],
  3: [0, ['rx-gro'], [C, S]],
  4: [-95, [], []],
};
const netlink = {
  netOffloads: (ifindex: number): NetOffloads => {
    const [rc, active, changeable] = DEVICES[ifindex] ?? [-19, [], []];
    return { rc, name: `if${ifindex}`, active, changeable };
  },
};
const takes = (ifindex: number, name: string, fixed: boolean) => ({ ifindex, device: `if${ifindex}`, name, fixed });

const CASES: readonly (readonly [kind: string | null, ifindex: number, native: TagTaker, generic: TagTaker])[] =
  (() => {
    const [nobody, sender, stack] = [{ by: 'nobody' }, { by: 'sender' }, { by: 'stack' }] as const;
    const driver = (...offloads: ReturnType<typeof takes>[]) => ({ by: 'driver', offloads }) as const;
    const unknown = { by: 'unknown', errno: 'EOPNOTSUPP' } as const;
    const both = driver(takes(1, C, false), takes(1, S, true));
    return [
      [null, 1, both, both],
      [null, 2, driver(takes(2, C, false)), driver(takes(2, C, false))],
      [null, 3, driver(), driver()],
      [null, 4, unknown, unknown],
      ['dsa', 1, both, both],
      ['veth', 1, sender, sender],
      ['netkit', 1, sender, sender],
      ['tun', 1, nobody, nobody],
      ['bridge', 3, driver(), stack],
      ['macvlan', 3, driver(), stack],
      // Its own offloads say nothing: in native mode the program is in its members, 2 and 3.
      ['bond', 1, driver(takes(2, C, false)), stack],
    ];
  })();

for (const [kind, ifindex, native, generic] of CASES) {
  test(`vlan tags: who takes them at ${kind ?? 'hardware'} ${ifindex}`, (t) => {
    const link = linkOf(ifindex, kind);
    const links = [link, linkOf(2, null, ifindex), linkOf(3, null, ifindex), linkOf(4, null, 9)];
    t.deepEqual(tagTaker(netlink, link, links, 'native'), native);
    t.deepEqual(tagTaker(netlink, link, links, 'generic'), generic);
  });
}

test('vlan tags: hidden is what is known to be, by this host', (t) => {
  const takers: readonly (readonly [TagTaker, boolean])[] = [
    [{ by: 'nobody' }, false],
    [{ by: 'sender' }, false],
    [{ by: 'unknown', errno: 'ENOENT' }, false],
    [{ by: 'driver', offloads: [] }, false],
    [{ by: 'driver', offloads: [takes(1, C, false)] }, true],
    [{ by: 'stack' }, true],
  ];
  for (const [taker, hidden] of takers) t.is(hidesTags(taker), hidden, taker.by);
});
