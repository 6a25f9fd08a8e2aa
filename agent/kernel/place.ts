import type { Native } from '../../native/index.ts';
import { KernelError } from '../model/kernel-error.ts';
import { findAbout } from './open-maps.ts';
import { COMING, type PinPaths, pinPaths, STANDING } from './pins.ts';

/** Where maps are pinned that are open: those that are to take the place of others are renamed once they do. */
export class Place {
  readonly #native: Native;
  readonly #pinRoot: string;
  readonly #instance: string;
  #folder: string;
  #arrived = false;

  /** `instance`: of the maps, as the loader drew it. */
  constructor(native: Native, pinRoot: string, folder: string, instance: string) {
    this.#native = native;
    this.#pinRoot = pinRoot;
    this.#folder = folder;
    this.#instance = instance;
  }

  get paths(): PinPaths {
    return pinPaths(this.#pinRoot, this.#folder);
  }

  /** No packet meets them yet, as far as is known. */
  get isComing(): boolean {
    return this.#folder === COMING;
  }

  /** Whether they got the name of those before them since this was asked last. */
  arrives(): boolean {
    this.#look();
    const arrived = this.#arrived;
    this.#arrived = false;
    return arrived;
  }

  /** Does what reads pins, and does it again where they were renamed meanwhile. Errors: those of `act`. */
  at<T>(act: (paths: PinPaths) => T): T {
    const before = this.#folder;
    try {
      return act(this.paths);
    } catch (error) {
      this.#look();
      if (this.#folder === before || !(error instanceof KernelError)) throw error;
      return act(this.paths);
    }
  }

  #look(): void {
    if (!this.isComing) return;
    const about = findAbout(this.#native, pinPaths(this.#pinRoot));
    if (typeof about === 'number' || about.instance !== this.#instance) return;
    this.#folder = STANDING;
    this.#arrived = true;
  }
}
