/** What docs/redirects.md says of frames, row by row, by those frames through the real program. */
import type { Verdict } from '../../agent/kernel/abi.ts';
import { kernelTests } from '../support/kernel.ts';
import { FRAME_ROWS, type Known } from '../support/odd-frames.ts';
import { forwarded, frame, ICMP6, icmp, ipv4, ipv6, UDP, udp } from '../support/packets.ts';
import { EGRESS_MAC, LoadedProgram, type Ran, TARGET_MAC } from './loaded-program.ts';

const kernel = kernelTests();
const ANY = ['0.0.0.0/0', '::/0'];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Slots of redirects that name ports, the protocol alone, and neither. */
const SLOT = { ports: 1, protocol: 2, addresses: 3 } as const;

function install(loaded: LoadedProgram, proto: number): void {
  loaded.install(
    ...ANY.flatMap((dst) => [
      ...(proto === UDP ? [{ match: { dst, proto, dport: 443 }, slot: SLOT.ports }] : []),
      { match: { dst, proto }, slot: SLOT.protocol },
      { match: { dst }, slot: SLOT.addresses },
    ]),
  );
}

/** Runs a frame and says by what it was hit; where it was not sent, its verdict. */
function run(loaded: LoadedProgram, bytes: Uint8Array): { readonly known: Known | undefined; readonly ran: Ran } {
  const names = Object.keys(SLOT) as (keyof typeof SLOT)[];
  const before = names.map((name) => loaded.counter(SLOT[name]).packets);
  const ran = loaded.run(bytes);
  if (ran.verdict !== 'SENT') return { known: ran.verdict, ran };
  return { known: names.find((name, index) => loaded.counter(SLOT[name]).packets !== before[index]), ran };
}

kernel('odd frames: of each row of the page, what is known of a frame, and what leaves', (t) => {
  using loaded = new LoadedProgram();
  for (const { says, known, frames, protos, leaves } of FRAME_ROWS) {
    t.true(frames.length > 0, says);
    for (const [index, bytes] of frames.entries()) {
      install(loaded, protos?.[index] ?? UDP);
      const { known: found, ran } = run(loaded, bytes);
      const which = `${says}: ${hex(bytes)}`;
      t.is(found, known, which);
      const sent = forwarded(leaves?.[index] ?? bytes, TARGET_MAC, EGRESS_MAC);
      t.is(hex(ran.data), hex(ran.verdict === 'SENT' ? sent : bytes), which);
    }
  }
});

kernel('odd frames: a tag with VLAN id 0 does not go back either, and the tags of a VLAN do', (t) => {
  using loaded = new LoadedProgram();
  loaded.install({ match: { dst: '203.0.113.10' }, ifindex: 1 });
  const packet = ipv4(udp());
  const sentBack = (vlans: number[]): [Verdict, string] => {
    const { verdict, data } = loaded.run(frame(packet, { tags: [0x88a8, 0x8100], vlans }));
    return [verdict, hex(data)];
  };
  const wanted = (bytes: Uint8Array) => hex(forwarded(bytes, TARGET_MAC, EGRESS_MAC));
  t.deepEqual(sentBack([0, 0xe000]), ['SENT_BACK', wanted(frame(packet))]);
  const inVlan = frame(packet, { tags: [0x88a8, 0x8100], vlans: [0, 7] });
  t.deepEqual(sentBack([0, 7]), ['SENT_BACK', wanted(inVlan)]);
});

kernel('odd frames: what passes or is dropped keeps its tag with VLAN id 0', (t) => {
  const tagged = frame(ipv6(icmp(128), { next: ICMP6 }), { tags: [0x8100], vlans: [0] });
  for (const action of ['pass', 'drop'] as const) {
    using loaded = new LoadedProgram();
    loaded.install({ match: { dst: '2001:db8:2::10', proto: 'icmp6' }, action });
    const { verdict, data } = loaded.run(tagged);
    t.is(verdict, action === 'pass' ? 'PASSED' : 'DROPPED');
    t.is(hex(data), hex(tagged));
  }
});
