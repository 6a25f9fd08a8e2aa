/** What docs/redirects.md says of values in a match, row by row, by packets that have them through the real program. */
import { parseMatch } from '../../protocol/match.ts';
import { parseSpec } from '../../protocol/spec.ts';
import { kernelTests } from '../support/kernel.ts';
import { frameOf, VALUE_ROWS } from '../support/match-values.ts';
import { frame, ICMP, ICMP6, ipv4, ipv6, udp } from '../support/packets.ts';
import { LoadedProgram } from './loaded-program.ts';

const kernel = kernelTests();

kernel('match values: of each row of the page that is taken, a packet has it', (t) => {
  using loaded = new LoadedProgram();
  for (const { becomes, matches } of VALUE_ROWS) {
    if (becomes !== 'taken' && becomes !== 'kept') continue;
    for (const written of matches) {
      loaded.install({ match: written, action: 'drop' });
      t.is(loaded.run(frameOf(parseMatch(written))).verdict, 'DROPPED', JSON.stringify(written));
    }
  }
});

kernel('match values: a protocol is refused exactly where no packet has it', (t) => {
  for (const dst of ['203.0.113.10', '2001:db8:2::10']) {
    // ICMP of the other family is refused by its name, as BAD_PROTO.
    const protos = Array.from({ length: 256 }, (_, proto) => proto).filter((n) => n !== (isSix(dst) ? ICMP : ICMP6));
    using loaded = new LoadedProgram();
    loaded.install(...protos.map((proto) => ({ match: { dst, proto }, action: 'drop' as const })));
    for (const proto of protos) {
      const { verdict } = loaded.run(frameOf(parseMatch({ dst, proto })));
      t.is(verdict, isTaken({ dst, proto }) ? 'DROPPED' : 'NO_MATCH', `${dst}, ${proto}`);
    }
  }
});

const isSix = (address: string): boolean => address.includes(':');

function isTaken(match: object): boolean {
  try {
    return parseSpec({ name: 'a', hosts: 'all', match, to: 'drop' }).name === 'a';
  } catch {
    return false;
  }
}

kernel('match values: a group is refused as a destination, because no frame to its MAC is looked up', (t) => {
  const macs: Record<string, string> = { '224.0.0.251': '01:00:5e:00:00:fb', 'ff02::fb': '33:33:00:00:00:fb' };
  for (const [dst, mac] of Object.entries({ ...macs, '255.255.255.255': 'ff:ff:ff:ff:ff:ff' })) {
    using loaded = new LoadedProgram();
    loaded.install({ match: { dst }, action: 'drop' });
    const packet = isSix(dst) ? ipv6(udp(), { dst }) : ipv4(udp(), { dst });
    t.is(loaded.run(frame(packet, { dst: mac })).verdict, 'GROUP', dst);
  }
});
