import { existsSync, renameSync, rmSync } from 'node:fs';
import type { Native, ProgramHandle } from '../../native/index.ts';
import type { ProgramName } from '../../protocol/status.ts';
import { type About, encodeAbout } from '../kernel/about.ts';
import { type Build, findBuild, writeBuild } from '../kernel/build.ts';
import { u32 } from '../kernel/bytes.ts';
import { requireDone } from '../kernel/errno.ts';
import { type OpenMaps, readAbout } from '../kernel/open-maps.ts';
import type { PinPaths } from '../kernel/pins.ts';
import { buildOf, type Loaded, loadOnto, type Owner, pinProgram, ROOT } from './object.ts';
import { Opened } from './opened.ts';

/** The program that is in force now, and what of it is new. */
export interface InForce extends ProgramName {
  /** What was there before; absent where it is the same code. */
  readonly before?: Partial<ProgramName>;
  /** Interfaces that run another program than a moment ago. */
  readonly switched: readonly string[];
}

/** The program that was pinned a moment ago. */
export function freshlyMade(native: Native, paths: PinPaths): InForce {
  const { version = '', tag = '' } = findBuild(native, paths) ?? {};
  return { version, tag, switched: [] };
}

export function isNew({ before, switched }: InForce): boolean {
  return before !== undefined || switched.length > 0;
}

/**
 * Puts this build's program in force on every interface that has one of ours, where its code is another: no packet
 * passes by, counts go on, and whoever was killed in between left what the next call ends. The steps: the new program
 * is pinned beside the old one, and both are said to be ours; each link is told to run it; then it is the one.
 */
export class Upgrade implements Disposable {
  readonly #native: Native;
  readonly #paths: PinPaths;
  readonly #maps: OpenMaps;
  readonly #owner: Owner;
  readonly #about: About;
  readonly #loaded: Loaded;
  readonly #opened: Opened;

  /** Loads this build's program. Errors: AttachError, KernelError; nothing was changed. */
  constructor(native: Native, paths: PinPaths, maps: OpenMaps, owner: Owner) {
    this.#native = native;
    this.#paths = paths;
    this.#maps = maps;
    this.#owner = owner;
    this.#about = readAbout(native, maps);
    this.#opened = new Opened(native);
    this.#loaded = loadOnto(native, maps, this.#about);
    for (const handle of Object.values(this.#loaded)) this.#opened.keep(handle);
  }

  [Symbol.dispose](): void {
    this.#opened[Symbol.dispose]();
  }

  /** Errors: KernelError; every interface runs what it ran before. */
  run(): InForce {
    const ours = buildOf(this.#native, this.#loaded.program);
    const stood = this.#opened.program(this.#paths.program);
    const before = this.#opened.infoOf(stood);
    const known = findBuild(this.#native, this.#paths);
    const isSame = before.tag === ours.tag;
    const target = isSame ? stood : (this.#begun(ours.tag) ?? this.#pinNext());
    const { id } = this.#opened.infoOf(target);
    const switched = this.#switchAll(stood, target, id, known ?? ours);
    if (!isSame) this.#rename();
    this.#finish(ours, known);
    const { version, tag } = ours;
    const was = { ...(known !== undefined && { version: known.version }), tag: before.tag };
    return { version, tag, ...(!isSame && { before: was }), switched };
  }

  /** What a loader that was killed pinned, if it is the same code. */
  #begun(tag: string): ProgramHandle | undefined {
    const pin = this.#paths.next(this.#paths.program);
    if (!existsSync(pin)) return undefined;
    const program = this.#opened.program(pin);
    return this.#opened.infoOf(program).tag === tag && existsSync(this.#paths.next(this.#paths.clock))
      ? program
      : undefined;
  }

  #pinNext(): ProgramHandle {
    const { next, program, clock } = this.#paths;
    for (const pin of [program, clock]) rmSync(next(pin), { force: true });
    pinProgram(this.#native, this.#loaded.program, next(program), ROOT);
    pinProgram(this.#native, this.#loaded.clock, next(clock), this.#owner);
    return this.#loaded.program;
  }

  /** An agent takes an interface for lost that runs a program which is not said to be ours. */
  #switchAll(stood: ProgramHandle, target: ProgramHandle, id: number, known: Build): readonly string[] {
    const stale = this.#opened.held(this.#paths).filter(({ programId }) => programId !== id);
    if (stale.length === 0 && this.#about.program === id) return [];
    const running = new Set([id, ...stale.map(({ programId }) => programId)]);
    running.delete(this.#about.program);
    this.#note({ ...known, beside: [...running].slice(0, 2) });
    this.#opened.switchAll(stale, target, stood);
    const about = encodeAbout({ ...readAbout(this.#native, this.#maps), program: id });
    requireDone(this.#native.mapUpdateElem(this.#maps.about, u32(0), about, 0), 'map update', 'about');
    return stale.map(({ name }) => name);
  }

  #rename(): void {
    const { next, program, clock } = this.#paths;
    for (const pin of [clock, program]) renameSync(next(pin), pin);
  }

  /** Nothing is left of what was begun. */
  #finish(ours: Build, known: Build | undefined): void {
    const { next, program, clock } = this.#paths;
    for (const pin of [program, clock]) rmSync(next(pin), { force: true });
    if (JSON.stringify(known) !== JSON.stringify(ours)) this.#note(ours);
  }

  #note(build: Build): void {
    writeBuild(this.#native, this.#paths, this.#owner.gid, build);
  }
}
