/** What the kernel answers about routes, and whose word that is. */
import { kernelTests } from '../../support/kernel.ts';
import { observer } from './observe.ts';

const kernel = kernelTests();

// biome-ignore lint/suspicious/noExplicitAny: what a scenario prints is looked at field by field
const observe = observer<any>('routes.scenario.ts');

kernel(
  'fact route-cache: a stranger’s message changes what is answered, and RTM_F_FIB_MATCH does not show it',
  async (t) => {
    const { before, after, table, tableAfter } = await observe('caches');
    const [path, moved, path6, moved6] = ['198.51.100.5', '198.51.100.6', '2001:db8:5::5', '2001:db8:5::6'];
    t.deepEqual(before, [
      ...[
        [path, 'b0', '192.0.2.9', null],
        [moved, 'b0', '192.0.2.9', null],
      ],
      ...[
        [path6, 'b0', 'fe80::9', null],
        [moved6, 'b0', 'fe80::9', null],
      ],
    ]);
    t.deepEqual(after, [
      ...[
        [path, 'b0', '192.0.2.9', 576],
        [moved, 'b0', '192.0.2.66', null],
      ],
      ...[
        [path6, 'b0', 'fe80::9', 1280],
        [moved6, 'b0', 'fe80::66', null],
      ],
    ]);
    const [entry, entry6] = [
      ['198.51.100.0/24', 'b0', '192.0.2.9', null],
      ['2001:db8:5::/48', 'b0', 'fe80::9', null],
    ];
    t.deepEqual(table, [entry, entry, entry6, entry6]);
    t.deepEqual(tableAfter, table);
  },
);

kernel('fact fib-match-bound: IPv4 takes an address for on-link where no route leads out of the device', async (t) => {
  const [otherDevice, blackhole, none, v6] = await observe('bound');
  const refused = ['RTNETLINK answers: No route to host'];
  t.deepEqual(otherDevice, [['198.51.100.5', 'b1', null, null], refused]);
  t.deepEqual(blackhole, [['198.51.101.5', 'b1', null, null], refused]);
  t.deepEqual(none, [['203.0.113.5', 'b1', null, null], refused]);
  const unreachable = ['RTNETLINK answers: Network is unreachable'];
  t.deepEqual(v6, [unreachable, unreachable]);
});

kernel('fact shared-nexthop: IPv6 answers another route on the same next hop object', async (t) => {
  const [[first, first6], [second, second6]] = await observe('shared');
  t.deepEqual(
    [first, second],
    [
      ['10.1.0.0/24', 'b1', '192.0.3.9', 1300],
      ['10.2.0.0/24', 'b1', '192.0.3.9', 1400],
    ],
  );
  t.deepEqual(first6, ['2001:db8:a1::/64', 'b1', '2001:db8:1::9', 1300]);
  t.deepEqual(second6, first6);
});

kernel('fact ra-mtu: a router advertisement lowers the MTU of other routes, unless it is locked', async (t) => {
  t.deepEqual(await observe('advertised'), { before: [1400, 1400, null], after: [1280, 1400, null] });
});
