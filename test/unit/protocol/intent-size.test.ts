import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { type Intent, intentBody, parseIntentBody } from '../../../protocol/intent.ts';
import { keyOf } from '../../../protocol/key.ts';

const COUNT = 20_000;
/** Intent, match and action, the texts of name, destination and next hop, and a place in a list: some 290 bytes. */
const BYTES_MAX = 340;

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 4; round += 1) collect();
  return process.memoryUsage().heapUsed;
}

/** With texts of one piece, as a database gives them. */
function rows(): { readonly key: string; readonly body: string }[] {
  const made = Array.from({ length: COUNT }, (_, n) => {
    const match = { src: '0.0.0.0/0', dst: `100.64.${n >> 8}.${n & 255}/32`, proto: 'udp', dport: 443 } as const;
    return { key: keyOf(match), body: intentBody({ name: `redirect-${n}`, match, to: { nexthop: '192.0.2.1' } }) };
  });
  return JSON.parse(JSON.stringify(made));
}

test.serial(
  'intent: what stays of one that was read is its fields and their texts, and not what these were made of',
  (t) => {
    const stored = rows();
    const intents: Intent[] = [];
    const before = heapBytes();
    for (const { key, body } of stored) intents.push(parseIntentBody(key, intents.length + 1, body));
    const bytes = (heapBytes() - before) / COUNT;
    t.log(`${bytes.toFixed(0)} bytes each`);
    t.true(bytes < BYTES_MAX);
    t.is(intents.length, stored.length);
  },
);
