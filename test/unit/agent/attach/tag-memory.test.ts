import test from 'ava';
import { TagMemory } from '../../../../agent/attach/tag-memory.ts';
import { pinPaths } from '../../../../agent/kernel/pins.ts';
import type { MapHandle, Native, NetLink } from '../../../../native/index.ts';

const DEVICE = 7;
const ETH0 = { ifindex: DEVICE, name: 'eth0' } as NetLink;

/** One device, of which `attach` switched both offloads off; what is set from here. */
function makeMemory() {
  const set: string[] = [];
  const deleted: number[] = [];
  const [keys, values] = [Uint32Array.of(DEVICE), Uint32Array.of(DEVICE, 0b11)].map((it) => new Uint8Array(it.buffer));
  const native = {
    mapOpen: () => ({}) as MapHandle,
    mapDump: () => ({ rc: 0, count: 1, keys, values }),
    mapDeleteElem: (_map: MapHandle, key: Uint8Array) => deleted.push(key[0] ?? 0),
    netSetOffload: (ifindex: number, name: string, on: boolean) => {
      set.push(`${ifindex} ${name} ${on}`);
      return 0;
    },
    netOffloads: () => ({ active: ['rx-vlan-hw-parse', 'rx-vlan-stag-hw-parse'] }),
    close: () => {},
  } as unknown as Native;
  return { memory: TagMemory.find(native, pinPaths('/nowhere')), set, deleted };
}

test('tags: offloads are put back on the device that they were switched off at', (t) => {
  const { memory, set, deleted } = makeMemory();
  t.deepEqual(memory?.restore(new Set(), [ETH0]), []);
  t.deepEqual(set, ['7 rx-vlan-hw-parse true', '7 rx-vlan-stag-hw-parse true']);
  t.deepEqual(deleted, [DEVICE]);
});

test('tags: in another network namespace nothing is switched at the device that has the number there', (t) => {
  const { memory, set } = makeMemory();
  const device = 'interface 7 of another network namespace';
  t.deepEqual(
    memory?.restore(new Set(), undefined),
    ['rx-vlan-hw-parse', 'rx-vlan-stag-hw-parse'].map((name) => ({ device, name, why: 'out of reach from here' })),
  );
  t.deepEqual(set, []);
});

test('tags: what an interface still needs is left as it is', (t) => {
  const { memory, set, deleted } = makeMemory();
  t.deepEqual(memory?.restore(new Set([DEVICE]), [ETH0]), []);
  t.deepEqual([set, deleted], [[], []]);
});
