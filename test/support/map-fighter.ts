/**
 * Somebody who undoes what an agent writes under a key of a pinned map: `node map-fighter.ts PIN KEY delete|spoil EVERY_MS`,
 * KEY in hex. Says on SIGTERM how often an entry stood there anew: `{"undone":N}`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { valueIsSound } from '../../agent/kernel/layout.ts';
import { loadNative } from '../../native/index.ts';
import { must } from './must.ts';

const BPF_F_LOCK = 4;
const [pin = '', hex = '', how = '', everyMs = ''] = process.argv.slice(2);
const native = loadNative();
const map = must(pin, native.mapOpen(pin, false));
const key = Uint8Array.from(Buffer.from(hex, 'hex'));

/** Leaves an entry whose check does not fit; answers whether one stood that did. */
function spoil(): boolean {
  const value = native.mapLookupElem(map, key, BPF_F_LOCK);
  if (typeof value === 'number' || !valueIsSound(key, value)) return false;
  value[value.length - 1] = 0xff;
  return native.mapUpdateElem(map, key, value, BPF_F_LOCK) === 0;
}

const ended = new AbortController();
process.once('SIGTERM', () => ended.abort());
let undone = 0;
while (!ended.signal.aborted) {
  if (how === 'spoil' ? spoil() : native.mapDeleteElem(map, key) === 0) undone += 1;
  await delay(Number(everyMs), undefined, { signal: ended.signal }).catch(() => {});
}
process.stdout.write(`${JSON.stringify({ undone })}\n`);
