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
import { drawTable, ROW_BITS, type Standing } from './table.ts';
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

  /** `path` of the object, where it is another than ours; so many CPUs have rows of their own; `rowBits` 0: without tables. */
  constructor(path: string | undefined, cpuRows: number, rowBits: number) {
    const how = { cpuRows, rowBits };
    this.#program = new LoadedProgram(path === undefined ? how : { path, ...how });
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
    const astray = strays.map((key) => ({ key, value: bytesOfStray(key) }));
    this.#keys = strays;
    for (const { key, value } of astray) this.#program.write(key, value);
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
    const standing = [...astray, ...state.entries.map((entry) => this.#write(entry))];
    this.#keys = standing.map(({ key }) => key);
    this.#setTables(state, standing);
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

  #write({ key, value, wrongBit }: Written): Standing {
    const bytes = bytesOfKey(key);
    const sound = bytesOfValue(bytes, value);
    const written = wrongBit === undefined ? sound : flipBit(sound, wrongBit);
    this.#program.write(bytes, written);
    return { key: bytes, value: written };
  }

  #setTables({ table }: WrittenState, standing: readonly Standing[]): void {
    if (table === undefined) return;
    for (const family of [4, 6] as const) {
      const size = family === 4 ? STRUCTS.key4.size : STRUCTS.key6.size;
      const mine = standing.filter(({ key }) => key.length === size);
      const { rows, filter } = drawTable(table.seed + family, family, table.live[family], mine);
      this.#program.setAll(`rows${family}`, rows);
      this.#program.setAll(`filter${family}`, filter);
      this.#program.setControl(CONTROL[`table${family}`], table.live[family]);
    }
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

/** The same program several times: how many CPUs have rows of their own, and whether there are tables, is fixed when it is loaded. */
export class Subjects implements Disposable {
  readonly #all: Readonly<Record<WrittenState['rows'], Readonly<Record<'plain' | 'tabled', Subject>>>>;

  /** `path` of the object, where it is another than ours. */
  constructor(path?: string) {
    const both = (cpuRows: number) => ({
      plain: new Subject(path, cpuRows, 0),
      tabled: new Subject(path, cpuRows, ROW_BITS),
    });
    this.#all = { own: both(cpus().length), shared: both(0) };
  }

  /** The one that a state is for. */
  of({ rows, table }: Pick<WrittenState, 'rows' | 'table'>): Subject {
    return this.#all[rows][table === undefined ? 'plain' : 'tabled'];
  }

  [Symbol.dispose](): void {
    for (const both of Object.values(this.#all)) for (const subject of Object.values(both)) subject[Symbol.dispose]();
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
