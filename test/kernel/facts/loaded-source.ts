import { loadNative, type MapHandle, type Native, type ProgramHandle } from '../../../native/index.ts';
import { BpfObject } from '../../support/bpf-object.ts';
import { must } from '../../support/must.ts';

const FRAME = new Uint8Array(64);
const EINTR = -4;

/** BPF C compiled from text and loaded; its maps and programs by name. Everything goes with it. */
export class LoadedSource implements Disposable {
  readonly native: Native = loadNative();
  readonly #maps = new Map<string, MapHandle>();
  readonly #programs = new Map<string, ProgramHandle>();

  /** `sizes`: in elements, of maps that shall have others than the source says. */
  constructor(
    source: string,
    names: { maps?: readonly string[]; programs?: readonly string[]; sizes?: Readonly<Record<string, number>> },
  ) {
    const { native } = this;
    using compiled = new BpfObject(`${source}\nchar LICENSE[] SEC("license") = "GPL";`);
    const object = must('objectOpen', native.objectOpen(compiled.path));
    for (const [map, entries] of Object.entries(names.sizes ?? {})) native.objectSetMaxEntries(object, map, entries);
    const { rc, log } = native.objectLoad(object);
    if (rc !== 0) throw new Error(`the program does not load: errno ${-rc}\n${log}`);
    for (const name of names.maps ?? []) this.#maps.set(name, must(name, native.objectMap(object, name)));
    for (const name of names.programs ?? []) this.#programs.set(name, must(name, native.objectProgram(object, name)));
    native.close(object);
  }

  map(name: string): MapHandle {
    return must(name, this.#maps.get(name) ?? -2);
  }

  program(name: string): ProgramHandle {
    return must(name, this.#programs.get(name) ?? -2);
  }

  /** Runs a program `repeat` times on a frame of 64 zeros; the time of one run in nanoseconds. */
  run(name: string, repeat: number): number {
    const run = { dataIn: FRAME, ctxIn: null, repeat, dataOutSize: 0, ctxOutSize: 0 };
    const { rc, durationNs } = this.native.programTestRun(this.program(name), run);
    if (rc === EINTR) return this.run(name, repeat); // A signal came, perhaps that of a child's end.
    if (rc !== 0) throw new Error(`test-run of ${name}: errno ${-rc}`);
    return durationNs;
  }

  /** The words of an element of 64-bit values, all CPUs of a per-CPU one. */
  words(map: string, key: number): number[] {
    const value = must(map, this.native.mapLookupElem(this.map(map), u32(key), 0));
    return [...new BigUint64Array(value.slice().buffer)].map(Number);
  }

  [Symbol.dispose](): void {
    for (const handle of [...this.#maps.values(), ...this.#programs.values()]) this.native.close(handle);
  }
}

/** Numbers as 32-bit words in host byte order, one after the other. */
export function u32(...numbers: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(numbers).buffer);
}

/** Numbers as 64-bit words in host byte order, one after the other. */
export function u64(...numbers: readonly (number | bigint)[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(numbers, BigInt).buffer);
}
