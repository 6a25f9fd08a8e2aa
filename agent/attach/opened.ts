import type { LinkHandle, Native, ProgramHandle, ProgramInfo } from '../../native/index.ts';
import { requireDone, requireValue } from '../kernel/errno.ts';
import type { PinPaths } from '../kernel/pins.ts';
import { pinnedInterfaces } from './zones.ts';

/** A pinned link whose device is there, and what runs on it. */
export interface Held {
  readonly name: string;
  readonly link: LinkHandle;
  readonly programId: number;
}

/** Programs and links of pins, open until it is disposed of. Errors: KernelError. */
export class Opened implements Disposable {
  readonly #native: Native;
  readonly #handles = new DisposableStack();

  constructor(native: Native) {
    this.#native = native;
  }

  /** Closes this, too. */
  keep<T extends Parameters<Native['close']>[0]>(handle: T): T {
    return this.#handles.adopt(handle, (it) => this.#native.close(it));
  }

  program(pin: string): ProgramHandle {
    return this.keep(requireValue(this.#native.programOpen(pin), 'open program', pin));
  }

  link(pin: string): LinkHandle {
    return this.keep(requireValue(this.#native.linkOpen(pin), 'open link', pin));
  }

  infoOf(program: ProgramHandle): ProgramInfo {
    return requireValue(this.#native.programInfo(program), 'program info', 'shunt');
  }

  held(paths: PinPaths): readonly Held[] {
    return pinnedInterfaces(paths).flatMap((name) => {
      const link = this.link(paths.link(name));
      const { programId, ifindex } = requireValue(this.#native.linkInfo(link), 'link info', paths.link(name));
      return ifindex === 0 ? [] : [{ name, link, programId }];
    });
  }

  /** Has each link run another program; where one does not take it, each runs again what it ran. */
  switchAll(links: readonly Held[], to: ProgramHandle, from: ProgramHandle): void {
    try {
      for (const { link, name } of links) requireDone(this.#native.linkUpdate(link, to), 'update link', name);
    } catch (error) {
      for (const { link } of links) this.#native.linkUpdate(link, from);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#handles.dispose();
  }
}
