import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attach } from '../../agent/attach/attach.ts';
import { detach } from '../../agent/attach/detach.ts';
import type { TableWish } from '../../agent/attach/table.ts';
import { PASS_REASONS, STRUCTS, VERDICTS } from '../../agent/kernel/abi.ts';
import { moveBlinds } from '../../agent/kernel/blinds.ts';
import { u32 } from '../../agent/kernel/bytes.ts';
import { LITTLE_ENDIAN } from '../../agent/kernel/check.ts';
import { errnoName } from '../../agent/kernel/errno.ts';
import { encodeKey, encodeValue } from '../../agent/kernel/layout.ts';
import { NativeKernel } from '../../agent/kernel/native-kernel.ts';
import { type MapName, pinPaths } from '../../agent/kernel/pins.ts';
import { listAt } from '../../agent/kernel/shapes.ts';
import { loadNative } from '../../native/index.ts';
import { familyOf } from '../../protocol/match.ts';
import { must } from '../support/must.ts';
import { SLOTS, type Subject } from './subject.ts';

const BPF_F_LOCK = 4;
const INGRESS = 'conf-in';

/** The real kernel in the namespace of this process, with maps that the loader has just made, with a table or without. */
export function nativeSubject(table: TableWish): Subject & Disposable {
  const native = loadNative();
  const folder = mkdtempSync(join(tmpdir(), 'shunt-conformance-'));
  const pinRoot = join(folder, 'bpf');
  const ip = (...args: string[]): void => {
    execFileSync('ip', args);
  };
  const addNetdev = (name: string): number => {
    ip('link', 'add', name, 'type', 'veth', 'peer', `far-${name}`);
    for (const end of [name, `far-${name}`]) ip('link', 'set', end, 'up');
    return must(name, native.netLinks().items.find((link) => link.name === name) ?? -19).ifindex;
  };
  const added = new Set<string>();
  const put = (name: MapName, key: Uint8Array, value: Uint8Array, flags: number, may?: string): void => {
    const map = must(name, native.mapOpen(pinPaths(pinRoot).map(name), false));
    const rc = native.mapUpdateElem(map, key, value, flags);
    native.close(map);
    if (rc < 0 && errnoName(rc) !== may) throw new Error(`${name}: ${errnoName(rc)}`);
  };
  const read = (name: MapName, key: Uint8Array): Uint8Array => {
    const map = must(name, native.mapOpen(pinPaths(pinRoot).map(name), false));
    const value = must(name, native.mapLookupElem(map, key, 0));
    native.close(map);
    return value;
  };
  addNetdev(INGRESS);
  attach(native, {
    interfaces: [INGRESS],
    owner: { uid: 0, gid: 0 },
    mode: 'generic',
    pinRoot,
    maxRedirects: SLOTS,
    table,
    acceptPrivatePins: true,
  });
  const kernel = new NativeKernel(native, pinRoot);
  return {
    kernel,
    addNetdev: (name) => {
      added.add(name);
      return addNetdev(name);
    },
    removeNetdev: (name) => {
      added.delete(name);
      ip('link', 'del', name);
    },
    plantUnsound: (key, value) => {
      const bytes = encodeKey(key.match, key.zone);
      const wrong = encodeValue(bytes, value);
      wrong[STRUCTS.value.check] = (wrong[STRUCTS.value.check] ?? 0) ^ 1;
      put(familyOf(key.match) === 4 ? 'redirect4' : 'redirect6', bytes, wrong, BPF_F_LOCK);
    },
    uproot: (key) => {
      const name = familyOf(key.match) === 4 ? 'redirect4' : 'redirect6';
      const map = must(name, native.mapOpen(pinPaths(pinRoot).map(name), false));
      native.mapDeleteElem(map, encodeKey(key.match, key.zone));
      native.close(map);
    },
    count: (slot, { packets, bytes, seen }) => {
      const row = new Uint8Array(STRUCTS.stat.size);
      const view = new DataView(row.buffer);
      view.setBigUint64(STRUCTS.stat.packets, packets, LITTLE_ENDIAN);
      view.setBigUint64(STRUCTS.stat.bytes, bytes, LITTLE_ENDIAN);
      view.setBigUint64(STRUCTS.stat.seen, seen, LITTLE_ENDIAN);
      put('stats', u32(slot), row, 0);
    },
    lead: (key, ifindex) => put('ports', u32(key), u32(ifindex), 0),
    plantStray: (family, n) => {
      const [name, at] = family === 4 ? (['redirect4', STRUCTS.key4] as const) : (['redirect6', STRUCTS.key6] as const);
      const key = new Uint8Array(at.size);
      key.set(u32(n + 1), at.dst); // an address, of which the prefix length says that none is looked at
      put(name, key, new Uint8Array(STRUCTS.value.size), BPF_F_LOCK, 'E2BIG');
    },
    damageShapes: (family) => {
      const { shape } = family === 4 ? STRUCTS.shapes4 : STRUCTS.shapes6;
      const bytes = read('shapes', u32(0));
      for (const list of [0, 1] as const) bytes[listAt(family, list).offset + shape] = 0x5a; // the mask of no prefix length
      put('shapes', u32(0), bytes, 0);
    },
    damageProtected: () => {
      for (const list of [0, 1]) {
        const bytes = read('protect', u32(list));
        bytes[STRUCTS.protects.zero] = 0x5a;
        put('protect', u32(list), bytes, 0);
      }
    },
    blind: () => {
      const control = must('control', native.mapOpen(pinPaths(pinRoot).map('control'), false));
      moveBlinds(native, control);
      native.close(control);
    },
    pass: (slot, verdict, packets) => {
      const add = (name: 'passed' | 'verdicts', row: number, cpus: number): void => {
        const map = must(name, native.mapOpen(pinPaths(pinRoot).map(name), false));
        const bytes = must(name, native.mapLookupElem(map, u32(row), 0)).slice();
        native.close(map);
        const counts = new BigUint64Array(bytes.buffer, 0, cpus);
        counts[0] = (counts[0] ?? 0n) + packets;
        put(name, u32(row), bytes, 0);
      };
      add('passed', PASS_REASONS.indexOf(verdict) * SLOTS + slot, 1);
      add('verdicts', VERDICTS.indexOf(verdict), 1);
    },
    [Symbol.dispose]: () => {
      kernel[Symbol.dispose]();
      detach(native, pinRoot, []);
      for (const name of [INGRESS, ...added]) ip('link', 'del', name);
      rmSync(folder, { recursive: true });
    },
  };
}
