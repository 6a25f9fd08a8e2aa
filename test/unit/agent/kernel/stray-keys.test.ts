import test from 'ava';
import fc from 'fast-check';
import { KEY_FLAGS, STRUCTS } from '../../../../agent/kernel/abi.ts';
import { decodeKey, encodeKey } from '../../../../agent/kernel/layout.ts';
import { entryId } from '../../../../agent/model/entry-key.ts';
import { encodeEvent } from '../../../../protocol/event.ts';

const { KEY_PROTO, KEY_SPORT, KEY_DPORT, KEY_IN } = KEY_FLAGS;
const seldom = fc.nat(9).map((n) => n === 0);
const len = fc.oneof(fc.constantFrom(0, 8, 16, 24, 31, 32, 64, 128), fc.nat(255));

/** A key as somebody writes it who knows how ours look, and is careless now and then. */
const bytesOfKey = fc
  .record({
    six: fc.boolean(),
    addresses: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    lens: fc.tuple(len, len),
    hostBits: seldom,
    fields: fc.tuple(fc.nat(0xffff), fc.nat(0xffff), fc.nat(255)),
    fixed: fc.constantFrom(0, KEY_PROTO, KEY_PROTO | KEY_DPORT, KEY_PROTO | KEY_SPORT | KEY_DPORT, KEY_SPORT),
    zone: fc.constantFrom(0, 0, 1, 15),
    stray: seldom,
  })
  .map(({ six, addresses, lens, hostBits, fields: [sport, dport, proto], fixed, zone, stray }) => {
    const at = six ? STRUCTS.key6 : STRUCTS.key4;
    const width = at.dst - at.src;
    const key = new Uint8Array(at.size);
    const view = new DataView(key.buffer);
    for (const [n, bits] of lens.entries()) {
      for (let i = 0; i < width; i += 1) {
        const mask = hostBits ? 0xff : (0xff00 >> Math.max(0, Math.min(8, bits - i * 8))) & 0xff;
        key[n * width + i] = (addresses[n * 16 + i] ?? 0) & mask;
      }
    }
    if ((fixed & KEY_SPORT) !== 0 || stray) view.setUint16(at.sport, sport);
    if ((fixed & KEY_DPORT) !== 0 || stray) view.setUint16(at.dport, dport);
    if ((fixed & KEY_PROTO) !== 0 || stray) key[at.proto] = proto;
    [key[at.src_len], key[at.dst_len]] = lens;
    key[at.flags] = fixed | (zone << KEY_FLAGS.KEY_ZONE_SHIFT) | (zone === 0 ? 0 : KEY_IN);
    return key;
  });

test('stray keys: what decodes is encoded to the same bytes, and has a name that can be told; all else is a stray', (t) => {
  const seen = { decoded: 0, strays: 0 };
  const ids = new Map<string, string>();
  const property = fc.property(bytesOfKey, (bytes) => {
    const key = decodeKey(bytes);
    if (key === undefined) {
      seen.strays += 1;
      return;
    }
    seen.decoded += 1;
    const hex = Buffer.from(bytes).toString('hex');
    t.is(Buffer.from(encodeKey(key.match, key.zone)).toString('hex'), hex);
    const id = entryId(key);
    t.is(ids.get(id) ?? hex, hex, 'equal text is equal bytes');
    ids.set(id, hex);
    encodeEvent({ v: 1, host: 'edge-7', at: 1, kind: 'drift', key: id });
  });
  fc.assert(property, { numRuns: 5_000 });
  t.log(seen);
  t.true(seen.decoded > 500 && seen.strays > 500);
});
