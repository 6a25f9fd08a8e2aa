import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { OpenMaps } from '../../../../agent/kernel/open-maps.ts';
import { MAPS, pinPaths } from '../../../../agent/kernel/pins.ts';
import { SamePins } from '../../../../agent/kernel/same-pins.ts';
import { PinsLostError } from '../../../../agent/model/kernel-error.ts';

/** Files in the place of pins; a map's id is what its file is opened as. */
function pinned(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'shunt-pins-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const paths = pinPaths(folder);
  mkdirSync(paths.layout);
  for (const name of MAPS) writeFileSync(paths.map(name), '');
  const ids = new Map<string, number>();
  let opened = 0;
  const native = {
    mapOpen: (path: string) => {
      opened += 1;
      return { id: ids.get(path) ?? 1 };
    },
    mapInfo: (map: object) => map,
    close: () => {},
  };
  const maps = Object.fromEntries(MAPS.map((name) => [name, { id: 1 }])) as unknown as OpenMaps;
  const pins = new SamePins(native as never, maps);
  /** How many pins are opened to find that they are the same. */
  const look = (): number => {
    opened = 0;
    pins.require(paths);
    return opened;
  };
  return { paths, ids, look };
}

test('same pins: those that nobody touched are opened once', (t) => {
  const { look } = pinned(t);
  t.deepEqual([look(), look(), look()], [MAPS.length, 0, 0]);
});

test('same pins: a pin that takes the place of another one is opened', (t) => {
  const { paths, ids, look } = pinned(t);
  look();
  const pin = paths.map('shapes');
  writeFileSync(`${pin}_next`, '');
  renameSync(`${pin}_next`, pin);
  t.is(look(), MAPS.length, 'it is of the same map');
  t.is(look(), 0);
  writeFileSync(`${pin}_next`, '');
  renameSync(`${pin}_next`, pin);
  ids.set(pin, 2);
  const message = `check pins ${pin}: ESTALE; another map is pinned there now`;
  for (const _ of [1, 2]) t.throws(look, { instanceOf: PinsLostError, message });
});

test('same pins: one that was given to others is opened, whoever may open it now', (t) => {
  const { paths, look } = pinned(t);
  look();
  chmodSync(paths.map('about'), 0o400);
  t.is(look(), MAPS.length);
  t.is(look(), 0);
});

test('same pins: where one cannot be seen, all are opened, and say why', (t) => {
  const { paths, look } = pinned(t);
  look();
  rmSync(paths.map('stats'));
  t.deepEqual([look(), look()], [MAPS.length, MAPS.length]);
  writeFileSync(paths.map('stats'), '');
  t.deepEqual([look(), look()], [MAPS.length, 0]);
});
