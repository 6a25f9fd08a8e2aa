/** XDP links, pins, devmaps, and what a veth delivers. */
import { kernelTests } from '../../support/kernel.ts';
import { observer } from './observe.ts';

const kernel = kernelTests();
const EPERM = -1;
const ENOENT = -2;
const EBUSY = -16;
const EEXIST = -17;
const EINVAL = -22;
const EROFS = -30;
const ERANGE = -34;
const ENOLINK = -67;
const NATIVE = 1;
const GENERIC = 2;

const observe = observer<Record<string, unknown>>('links.scenario.ts');

kernel('fact link-one: a netdev has one XDP link; a second one is EBUSY, or EEXIST in the other mode', async (t) => {
  const { second, generic } = await observe('links');
  t.deepEqual([second, generic], [EBUSY, EEXIST]);
});

kernel('fact link-update: an update keeps the link, replaces the program, and follows a renamed netdev', async (t) => {
  const { updated, sameLink, replaced, renamed } = await observe('links');
  t.deepEqual({ updated, sameLink, replaced, renamed }, { updated: 0, sameLink: true, replaced: true, renamed: true });
});

kernel('fact link-attach-type: a program of another expected_attach_type cannot take over a link', async (t) => {
  const { otherType, untouched } = await observe('links');
  t.deepEqual([otherType, untouched], [EINVAL, true]);
});

kernel('fact link-swap: link updates under traffic lose no packet; detach and attach lose some', async (t) => {
  const inPlace = await observe('swapInPlace');
  const byDetach = await observe('swapByDetach');
  t.log({ inPlace, byDetach });
  t.true(Number(byDetach.seen) < Number(byDetach.sent), 'inconclusive: the traffic met no gap');
  t.true(Number(inPlace.swaps) >= 50);
  t.is(inPlace.seen, inPlace.sent);
});

kernel('fact netdev-gone: its devmap entries vanish, its link says ifindex 0, updates of it are ENOLINK', async (t) => {
  const { put, present, left, lookup, ifindex, update } = await observe('gone');
  t.deepEqual([put, present], [0, 1]);
  t.deepEqual({ left, lookup, ifindex, update }, { left: 0, lookup: ENOENT, ifindex: 0, update: ENOLINK });
});

kernel('fact devmap-unknown: a devmap takes no ifindex that does not exist', async (t) => {
  const { unknownIfindex } = await observe('gone');
  t.is(unknownIfindex, EINVAL);
});

kernel('fact netdev-moved: in another network namespace a netdev keeps its link and its ifindex there', async (t) => {
  const { aliveElsewhere, goneFromHere } = await observe('gone');
  t.deepEqual([aliveElsewhere, goneFromHere], [true, true]);
});

kernel('fact mtu-too-large: on a veth pair of MTU 9000 native mode is ERANGE, generic mode works', async (t) => {
  t.deepEqual(await observe('tooLarge'), { refused: ERANGE, mode: GENERIC });
});

kernel('fact pin-outlives: a pinned link outlives its process, and ends with its pin', async (t) => {
  t.deepEqual(await observe('outlives'), { attached: NATIVE, same: true, afterUnlink: 0 });
});

kernel('fact pin-names: bpffs refuses a dot in a name, and a path that is taken', async (t) => {
  const { dot, encoded, taken, elsewhere } = await observe('pins');
  t.deepEqual([dot, encoded, taken], [EPERM, 0, EEXIST]);
  t.is(elsewhere, EPERM, 'a plain directory takes no pin');
});

kernel('fact pin-rename: a rename over a pin replaces it', async (t) => {
  const { beside, before, after } = await observe('pins');
  t.deepEqual([beside, before, after], [0, 1, 2]);
});

kernel('fact pin-read-only: on a read-only mount pins open for writing, but none is added', async (t) => {
  const { readOnly } = await observe('pins');
  t.deepEqual(readOnly, { update: 0, pin: EROFS, openAnew: EROFS }, 'of a read-only file system none opens');
});

kernel('fact veth-ndo-xmit: a veth can be sent to only while its peer has GRO or native XDP on', async (t) => {
  t.deepEqual(await observe('features'), {
    bare: false,
    peerGro: true,
    groOff: false,
    peerXdp: true,
    xdpGone: false,
    peerGeneric: false,
  });
});

kernel('fact veth-delivery: a native redirect into a veth without ndo-xmit delivers nothing', async (t) => {
  t.deepEqual(await observe('delivery'), { bare: 0, peerGro: 1 });
});

kernel('fact veth-tx: XDP_TX on a veth comes back only to a peer that has native XDP on', async (t) => {
  t.deepEqual(await observe('bounced'), { bare: false, peerGro: false, peerXdp: true });
});

kernel('fact ask-first: a packet changed before a redirect that is refused, and passed, is lost', async (t) => {
  t.deepEqual(await observe('refused'), { changedFirst: 0, askedFirst: 1 });
});
