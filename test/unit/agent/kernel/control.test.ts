import test from 'ava';
import { STRUCTS } from '../../../../agent/kernel/abi.ts';
import { u32 } from '../../../../agent/kernel/bytes.ts';
import { Control } from '../../../../agent/kernel/control.ts';
import { encodeShapes, listAt } from '../../../../agent/kernel/shapes.ts';
import type { MapHandle, MemoryHandle, Native } from '../../../../native/index.ts';
import { parseMatch } from '../../../../protocol/match.ts';
import { shapeOf } from '../../../../protocol/shape.ts';

const SHAPES = [shapeOf(parseMatch({ dst: '10.0.0.0/8' }))];
const OTHERS = [shapeOf(parseMatch({ dst: '10.0.0.0/16' }))];

/** The maps `control` and `shapes`, as the addon shows them. */
function makeControl() {
  const words = new Uint8Array(STRUCTS.control.size);
  const shapes = new Uint8Array(STRUCTS.shapes.size);
  const list = (which: 0 | 1): Uint8Array => {
    const { offset, length } = listAt(4, which);
    return shapes.subarray(offset, offset + length);
  };
  list(0).set(encodeShapes(4, SHAPES));
  const memories = new Map<unknown, Uint8Array>();
  const mapped = (bytes: Uint8Array): MapHandle => {
    const handle = {} as MapHandle;
    memories.set(handle, bytes);
    return handle;
  };
  const memoryOf = (memory: MemoryHandle): Uint8Array => memories.get(memory) ?? new Uint8Array();
  const native: Pick<Native, 'mapMmap' | 'memoryRead' | 'memoryWrite' | 'memoryStoreU32' | 'membarrierGlobal'> = {
    mapMmap: (map) => map as unknown as MemoryHandle,
    memoryRead: (memory, offset, length) => memoryOf(memory).slice(offset, offset + length),
    memoryWrite: (memory, offset, bytes) => {
      memoryOf(memory).set(bytes, offset);
      return 0;
    },
    memoryStoreU32: (memory, offset, value) => {
      memoryOf(memory).set(u32(value), offset);
      return 0;
    },
    membarrierGlobal: () => 0,
  };
  return { control: new Control(native as Native, mapped(words), mapped(shapes), 'ab'), words, list };
}

test('control: a selector that nobody of ours wrote is read as the program reads it', (t) => {
  for (const [selector, live] of [
    [0, 0],
    [1, 1],
    [2, 0],
    [0xffffffff, 1],
  ] as const) {
    const { control, words, list } = makeControl();
    words.set(u32(selector), STRUCTS.control.shapes4);
    t.deepEqual(control.shapes(4), live === 0 ? SHAPES : []);
    const untouched = list(live).slice();
    t.deepEqual(control.publishShapes(4, OTHERS), { done: true });
    t.deepEqual(list(live), untouched, 'what packets read is not written');
    t.deepEqual(control.shapes(4), OTHERS);
    t.is(words[STRUCTS.control.shapes4], 1 - live);
  }
});

test('control: a list counts only if every byte is as we write it', (t) => {
  for (let at = 0; at < STRUCTS.shapes4.size; at += 1) {
    const { control, list } = makeControl();
    list(0).set([(list(0)[at] ?? 0) ^ 0x40], at);
    t.is(control.shapes(4), undefined, `byte ${at}`);
  }
});
