/** The map `passed` in pins of this loader and of others; run by passed.test.ts in namespaces of its own. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attach } from '../../agent/attach/attach.ts';
import { detach } from '../../agent/attach/detach.ts';
import { PASS_REASONS, VERDICTS } from '../../agent/kernel/abi.ts';
import { u32 } from '../../agent/kernel/bytes.ts';
import { NativeKernel } from '../../agent/kernel/native-kernel.ts';
import { pinPaths } from '../../agent/kernel/pins.ts';
import { loadNative } from '../../native/index.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';

const native = loadNative();
const SLOTS = 64;
const ARRAY = 2;
const MMAPABLE = 1 << 10;

/** Pins in a folder of their own, of this loader. */
class Pins implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'shunt-passed-'));
  readonly #pinRoot = join(this.#folder, 'bpf');
  readonly paths = pinPaths(this.#pinRoot);

  constructor() {
    for (const words of ['link add v0 type veth peer v1', 'link set v0 up', 'link set v1 up']) {
      execFileSync('ip', words.split(' '));
    }
    this.attach();
  }

  attach() {
    const owner = { uid: 65534, gid: 65534 };
    return attach(native, {
      interfaces: ['v0'],
      owner,
      mode: 'generic',
      pinRoot: this.#pinRoot,
      maxRedirects: SLOTS,
      acceptPrivatePins: true,
    });
  }

  /** What a kernel opened from them says of hits of slot 5, before and after it was retired. */
  counts(): unknown {
    using kernel = new NativeKernel(native, this.#pinRoot);
    const of5 = () => {
      const passed = kernel.counts.passed();
      return Object.fromEntries([...passed].map(([name, bySlot]) => [name, Number(bySlot[5])]));
    };
    const before = of5();
    kernel.counts.retire([5]);
    return [before, of5()];
  }

  /** Counts as the program does. */
  count(rows: Readonly<Record<number, number>>): void {
    const passed = must('passed', native.mapOpen(this.paths.map('passed'), false));
    for (const [row, packets] of Object.entries(rows)) {
      native.mapUpdateElem(passed, u32(Number(row)), new Uint8Array(BigUint64Array.of(BigInt(packets)).buffer), 0);
    }
    native.close(passed);
    const verdicts = must('verdicts', native.mapOpen(this.paths.map('verdicts'), false));
    for (const name of PASS_REASONS) {
      const row = u32(VERDICTS.indexOf(name));
      const cpus = must('row', native.mapLookupElem(verdicts, row, 0)).slice();
      cpus[0] = 1;
      native.mapUpdateElem(verdicts, row, cpus, 0);
    }
    native.close(verdicts);
  }

  /** As a loader makes it that knows so many reasons. */
  remake(reasons: number): void {
    unlinkSync(this.paths.map('passed'));
    const map = must('map', native.mapCreate(ARRAY, 'passed', 4, 8, reasons * SLOTS, MMAPABLE));
    native.mapPin(map, this.paths.map('passed'));
    native.close(map);
  }

  detach(): boolean {
    detach(native, this.#pinRoot, []);
    return existsSync(this.paths.layout);
  }

  [Symbol.dispose](): void {
    this.detach();
    execFileSync('ip', ['link', 'del', 'v0']);
    rmSync(this.#folder, { recursive: true });
  }
}

const scenarios: Record<string, () => unknown> = {
  made() {
    using pins = new Pins();
    const { uid, gid, mode } = statSync(pins.paths.map('passed'));
    const again = pins.attach().changed;
    return { pin: `${uid}:${gid} ${(mode & 0o777).toString(8)}`, again, counts: pins.counts(), left: pins.detach() };
  },

  fewer() {
    using pins = new Pins();
    pins.remake(1);
    pins.count({ 5: 7 });
    return pins.counts();
  },

  more() {
    using pins = new Pins();
    pins.remake(PASS_REASONS.length + 1);
    const later = PASS_REASONS.length * SLOTS;
    pins.count({ 5: 7, [SLOTS + 5]: 8, [later + 5]: 9, [later + 6]: 10 });
    const counts = pins.counts();
    const map = must('passed', native.mapOpen(pins.paths.map('passed'), false));
    const rows = [5, 6].map((slot) =>
      Number(new BigUint64Array(must('row', native.mapLookupElem(map, u32(later + slot), 0)).slice().buffer)[0]),
    );
    native.close(map);
    return { counts, rows };
  },
};

const [name = ''] = process.argv.slice(2);
printResult(scenarios[name]?.());
