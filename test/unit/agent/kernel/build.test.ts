import test from 'ava';
import { decodeBuild, encodeBuild, programsOf } from '../../../../agent/kernel/build.ts';

const build = { version: '0.1.0', tag: '0632d5189934d93b', object: '00112233445566778899aabbccddeeff', beside: [7] };

test('build: what the loader says of the program comes out as it went in', (t) => {
  const row = encodeBuild(build);
  t.is(row.length, 64);
  t.deepEqual(decodeBuild(row), build);
  t.deepEqual(decodeBuild(encodeBuild({ ...build, beside: [] })).beside, []);
  t.deepEqual(decodeBuild(new Uint8Array(64)), {
    ...{ version: '', tag: '0'.repeat(16), object: '0'.repeat(32), beside: [] },
  });
});

test('build: what has no room, or is no hex, is refused', (t) => {
  t.throws(() => encodeBuild({ ...build, version: 'x'.repeat(33) }), { instanceOf: RangeError });
  t.throws(() => encodeBuild({ ...build, beside: [1, 2, 3] }), { instanceOf: RangeError });
  t.throws(() => encodeBuild({ ...build, tag: 'none' }), { instanceOf: RangeError });
});

test('build: while one program takes the place of another, both are ours', (t) => {
  t.deepEqual(programsOf({ program: 3 }, build), [3, 7]);
  t.deepEqual(programsOf({ program: 3 }, undefined), [3]);
});
