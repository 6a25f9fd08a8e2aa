import test from 'ava';
import { STRUCTS } from '../../../../agent/kernel/abi.ts';
import { u32 } from '../../../../agent/kernel/bytes.ts';
import { Control } from '../../../../agent/kernel/control.ts';
import { encodeShapes } from '../../../../agent/kernel/layout.ts';
import type { MapHandle, Native } from '../../../../native/index.ts';
import { parseMatch } from '../../../../protocol/match.ts';
import { shapeOf } from '../../../../protocol/shape.ts';

const SHAPES = [shapeOf(parseMatch({ dst: '10.0.0.0/8' }))];
const OTHERS = [shapeOf(parseMatch({ dst: '10.0.0.0/16' }))];

/** The map `control` and two lists of shapes, as the addon shows them. */
function makeControl() {
  const words = new Uint8Array(STRUCTS.control.size);
  const lists = [encodeShapes(4, SHAPES), encodeShapes(4, [])];
  const native: Pick<
    Native,
    'mapMmap' | 'memoryRead' | 'memoryStoreU32' | 'mapLookupElem' | 'mapUpdateElem' | 'membarrierGlobal'
  > = {
    mapMmap: () => ({}) as never,
    memoryRead: (_, offset, length) => words.slice(offset, offset + length),
    memoryStoreU32: (_, offset, value) => {
      words.set(u32(value), offset);
      return 0;
    },
    mapLookupElem: (_, key) => lists[key[0] ?? 0]?.slice() ?? -2,
    mapUpdateElem: (_, key, value) => {
      lists[key[0] ?? 0] = value;
      return 0;
    },
    membarrierGlobal: () => 0,
  };
  const map = {} as MapHandle;
  return { control: new Control(native as Native, map, { 4: map, 6: map }, 'ab'), words, lists };
}

test('control: a selector that nobody of ours wrote is read as the program reads it', (t) => {
  for (const [selector, live] of [
    [0, 0],
    [1, 1],
    [2, 0],
    [0xffffffff, 1],
  ] as const) {
    const { control, words, lists } = makeControl();
    words.set(u32(selector), STRUCTS.control.shapes4);
    t.deepEqual(control.shapes(4), live === 0 ? SHAPES : []);
    const untouched = lists[live];
    t.deepEqual(control.publishShapes(4, OTHERS), { done: true });
    t.is(lists[live], untouched, 'what packets read is not written');
    t.deepEqual(control.shapes(4), OTHERS);
    t.is(words[STRUCTS.control.shapes4], 1 - live);
  }
});

test('control: a list counts only if every byte is as we write it', (t) => {
  for (let at = 0; at < STRUCTS.shapes4.size; at += 1) {
    const { control, lists } = makeControl();
    lists[0]?.set([(lists[0][at] ?? 0) ^ 0x40], at);
    t.is(control.shapes(4), undefined, `byte ${at}`);
  }
});
