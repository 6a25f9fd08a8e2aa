import { cpus } from 'node:os';
import { LIMITS, STRUCTS } from '../../agent/kernel/abi.ts';
import { LITTLE_ENDIAN } from '../../agent/kernel/check.ts';
import { encodeProtected } from '../../agent/kernel/protected.ts';
import { encodeShapes } from '../../agent/kernel/shapes.ts';
import type { Family } from '../../protocol/address.ts';
import { familyOf } from '../../protocol/match.ts';
import { shapeText } from '../../protocol/shape.ts';
import { LoadedProgram, type Ran } from '../kernel/loaded-program.ts';
import { type Counters, tallyOf } from './counters.ts';
import { flipBit } from './draw.ts';
import { bytesOfKey, bytesOfStray, bytesOfValue, matchOfKey, shapeOfKey } from './encode.ts';
import { at, type Written, type WrittenState } from './states.ts';
import type { Tally } from './tally.ts';

const CONTROL = STRUCTS.control;
/** The program in the kernel, with what it has to be told. */
class Subject implements Disposable {
  readonly #program: LoadedProgram;
  #keys: readonly Uint8Array[] = [];
  #ingress = 0;
  #ports = new Set<number>();
  #since: bigint;
  #before: Counters;

  /** `path` of the object, where it is another than ours; so many CPUs have rows of their own. */
  constructor(path: string | undefined, cpuRows: number) {
    this.#program = new LoadedProgram(path === undefined ? { cpuRows } : { path, cpuRows });
    this.#before = this.#read();
    this.#since = this.now();
  }

  /** In jiffies. */
  now(): bigint {
    return this.#program.now();
  }

  /** Puts a state in the place of the one before, as of now. Answers it with its time, from which is counted. */
  install(drawn: WrittenState): WrittenState {
    const { strays, control, zones, ports, ingress } = drawn;
    for (const key of this.#keys) this.#program.erase(key);
    this.#keys = strays;
    for (const key of strays) this.#program.write(key, bytesOfStray(key));
    for (const family of [4, 6] as const)
      for (const which of [0, 1] as const) this.#program.setShapes(which, family, listOf(drawn, family, which));
    for (const word of ['shapes4', 'shapes6', 'bypass', 'ready'] as const)
      this.#program.setControl(CONTROL[word], control[word]);
    for (const which of [0, 1] as const) this.#program.setProtect(which, protectOf(drawn, which));
    // What stands behind the zones is no zone.
    this.#program.setZones(zones, Buffer.from(Uint32Array.from({ length: 4 }, () => ingress).buffer).toString('hex'));
    this.#setPorts(ports);
    this.#ingress = ingress;
    // Last, for some end with this jiffy.
    this.#since = this.now();
    const state = at(drawn, this.#since);
    this.#keys = [...strays, ...state.entries.map((entry) => this.#write(entry))];
    return state;
  }

  run(frame: Uint8Array): Pick<Ran, 'xdp' | 'data'> {
    return this.#program.pass(frame, this.#ingress);
  }

  /** What was counted since it was last asked. */
  counted(): Tally {
    const [before, after] = [this.#before, this.#read()];
    this.#before = after;
    return tallyOf(before, after, { from: this.#since, to: this.now() });
  }

  [Symbol.dispose](): void {
    this.#program[Symbol.dispose]();
  }

  #write({ key, value, wrongBit }: Written): Uint8Array {
    const bytes = bytesOfKey(key);
    const sound = bytesOfValue(bytes, value);
    this.#program.write(bytes, wrongBit === undefined ? sound : flipBit(sound, wrongBit));
    return bytes;
  }

  #setPorts(ports: readonly number[]): void {
    const wanted = new Set(ports);
    for (const port of wanted.difference(this.#ports)) this.#program.addPort(port);
    for (const port of this.#ports.difference(wanted)) this.#program.removePort(port);
    this.#ports = wanted;
  }

  #read(): Counters {
    const words = (of: keyof Counters) => new BigUint64Array(this.#program.values(of).slice().buffer);
    return { verdicts: words('verdicts'), stats: words('stats'), passed: words('passed') };
  }
}

/** The same program twice: how many CPUs have rows of their own is fixed when it is loaded. */
export class Subjects implements Disposable {
  readonly own: Subject;
  readonly shared: Subject;

  /** `path` of the object, where it is another than ours. */
  constructor(path?: string) {
    this.own = new Subject(path, cpus().length);
    this.shared = new Subject(path, 0);
  }

  [Symbol.dispose](): void {
    this.own[Symbol.dispose]();
    this.shared[Symbol.dispose]();
  }
}

/** Behind those that count stand others, which do not; both have the word that selects one of them, and only that of the first counts. */
function protectOf({ protect: { live, lists }, entries }: WrittenState, which: 0 | 1): Uint8Array {
  const { live: at, ...counts } = STRUCTS.protects;
  const mine = lists[which].map(matchOfKey);
  const others = entries.map(({ key }) => matchOfKey(key));
  const bytes = encodeProtected(
    ([4, 6] as const).flatMap((family) =>
      [...mine, ...others].filter((match) => familyOf(match) === family).slice(0, LIMITS.PROTECTED_MAX),
    ),
  );
  const view = new DataView(bytes.buffer);
  view.setUint32(at, which === 0 ? live : ~live >>> 0, LITTLE_ENDIAN);
  for (const family of [4, 6] as const)
    view.setUint32(counts[`count${family}`], mine.filter((match) => familyOf(match) === family).length, LITTLE_ENDIAN);
  return bytes;
}

/** Behind the shapes that count stand others, which do not. */
function listOf({ entries, shapes }: WrittenState, family: Family, which: 0 | 1): Uint8Array {
  const live = shapes[family][which];
  const others = entries.map(({ key }) => shapeOfKey(key)).filter((shape) => shape.family === family);
  const all = [...new Map([...live, ...others].map((shape) => [shapeText(shape), shape])).values()];
  const bytes = encodeShapes(family, all.slice(0, LIMITS.SHAPES_MAX));
  const { count } = family === 4 ? STRUCTS.shapes4 : STRUCTS.shapes6;
  new DataView(bytes.buffer).setBigUint64(count, BigInt(live.length), LITTLE_ENDIAN);
  return bytes;
}
