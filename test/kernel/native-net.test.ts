import { kernelTests } from '../support/kernel.ts';
import { runInNamespace } from '../support/netns.ts';

const kernel = kernelTests();
const EPERM = -1;
const ENOENT = -2;
const EBADF = -9;
const EBUSY = -16;
const EEXIST = -17;
const ENODEV = -19;
const EINVAL = -22;
const ENOLINK = -67;
const ENETUNREACH = -101;
const EHOSTUNREACH = -113;
const UNICAST = 1;
const LOCAL = 2;
const BASIC_AND_REDIRECT = 3n;
const NDO_XMIT = 4n;

// biome-ignore lint/suspicious/noExplicitAny: what a scenario prints is looked at field by field
type Observed = Record<string, any>;

/** What the scenario saw, in namespaces of its own; bytes are hex. */
const observe = (scenario: string): Promise<Observed> =>
  runInNamespace(new URL('native-net.scenario.ts', import.meta.url), scenario) as Promise<Observed>;

kernel('native net: a veth pair is listed with its names, addresses, kind and peer', async (t) => {
  const { snat0, snat1, loopback, lost } = await observe('links');
  const none = { linkNamespace: null, master: 0, xdpMode: 0, xdpProgramId: 0 };
  const common = { ...none, carrier: true, kind: 'veth', operState: 6, type: 1 };
  const ofSnat0 = { name: 'snat0', mac: '020000000001', mtu: 1400, link: snat1.ifindex, ifindex: snat0.ifindex };
  t.deepEqual(snat0, { ...common, ...ofSnat0, flags: snat0.flags, carrierDowns: snat0.carrierDowns });
  t.is(lost, 2, 'each loss of its carrier is counted');
  t.is(snat0.flags & 0x10041, 0x10041, 'up, running, lower up');
  t.like(snat1, { ...common, name: 'snat1', mac: '020000000002', mtu: 1500, link: snat0.ifindex });
  t.like(loopback, { name: 'lo', type: 772, mac: '', kind: null, ifindex: 1 });
});

kernel('native link: attach, update in place, and the end of the netdev', async (t) => {
  t.deepEqual(await observe('attach'), {
    second: EBUSY,
    mode: 1,
    programShown: true,
    sameInterface: true,
    updated: 0,
    sameLink: true,
    replaced: true,
    genericMode: 2,
    closedMode: 0,
    gone: 0,
    updateGone: ENOLINK,
    detachGone: 0,
    unknownNetdev: EINVAL,
  });
});

kernel('native pins: maps, programs and links outlive their handles and reopen as what they are', async (t) => {
  t.deepEqual(await observe('pins'), {
    mount: 0,
    pinned: [0, 0, 0],
    twice: EEXIST,
    plainDirectory: EPERM,
    stillAttached: 1,
    reopened: true,
    readOnlyWrite: EPERM,
    write: 0,
    readOnlySees: 1,
    sameProgram: true,
    wrongKind: Array(6).fill(EINVAL),
    absent: ENOENT,
    detached: 0,
    modeAfterDetach: 0,
    ifindexAfterDetach: 0,
    updateAfterDetach: ENOLINK,
    closed: Array(4).fill(EBADF),
  });
});

kernel('native net: a veth can be sent to by ndo-xmit once its peer runs a program', async (t) => {
  const { rc, before, peerAttached } = await observe('features');
  t.is(rc, 0);
  t.is(BigInt(before) & (BASIC_AND_REDIRECT | NDO_XMIT), BASIC_AND_REDIRECT);
  t.is(BigInt(peerAttached) & NDO_XMIT, NDO_XMIT);
});

kernel('native net: route look-ups answer each way out, its gateway of either family, and the MTU', async (t) => {
  const routes = await observe('routes');
  const { ifindex } = routes;
  const hop = (gateway: string) => ({ ifindex, gateway, flags: 0 });
  const onLink = { rc: 0, type: UNICAST, hops: [hop('')], nexthop: 0, mtu: 0 };
  t.deepEqual(routes.onLink, onLink);
  t.deepEqual(routes.routed, { ...onLink, hops: [hop('c0000209')], mtu: 1300 });
  t.deepEqual(routes.viaV6, { ...onLink, hops: [hop('20010db8000000000000000000000009')] });
  t.deepEqual(routes.multipath, { ...onLink, hops: [hop('c0000209'), hop('c000020a')] });
  t.deepEqual(routes.group, { ...onLink, hops: [hop('c0000209'), hop('c000020a')], nexthop: 3 });
  t.like(routes.local, { rc: 0, type: LOCAL });
  t.deepEqual(routes.none, { rc: ENETUNREACH, type: 0, hops: [], nexthop: 0, mtu: 0 });
  t.deepEqual(routes.v6, onLink);
  t.deepEqual(routes.v6Bound, routes.v6);
  t.deepEqual([routes.blackhole, routes.unreachable, routes.elsewhere], [EINVAL, EHOSTUNREACH, ENODEV]);
  t.deepEqual(routes.nexthops, [
    { rc: 0, hop: hop('c0000209'), members: [] },
    { rc: 0, hop: null, members: [1, 2] },
    { rc: 0, hop: null, members: [] },
    { rc: ENOENT, hop: null, members: [] },
  ]);
});

kernel('native net: neighbours of both families are listed, and a probe makes one incomplete', async (t) => {
  const mac = '020000000077';
  const permanent = 0x80;
  t.deepEqual(await observe('neighbours'), {
    rc: 0,
    ours: [
      { address: 'c0000207', mac, state: permanent },
      { address: '20010db8000000000000000000000007', mac, state: permanent },
    ],
    probed: 0,
    probing: [{ mac: '', state: 1 }],
    probe6: 0,
    probeNowhere: ENODEV,
  });
});

kernel('native notices: each kind of change is told, a burst once a turn, and nothing after close', async (t) => {
  const { links, callsForBurst, ...rest } = await observe('notices');
  t.is(links & 1, 1);
  t.deepEqual(rest, { neighbour: 2, route: 4, address: 4, features: 1, afterClose: 0 });
  t.true(callsForBurst <= 2);
});

kernel('native notices: what the kernel dropped is told as an overrun', async (t) => {
  t.deepEqual(await observe('overrun'), { lost: true, calls: 1 });
});
