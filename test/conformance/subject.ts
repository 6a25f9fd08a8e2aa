import type { EntryValue } from '../../agent/model/entry.ts';
import type { EntryKey } from '../../agent/model/entry-key.ts';
import type { Counter, Kernel } from '../../agent/ports.ts';
import { MemoryKernel } from '../fakes/memory-kernel.ts';

export const SLOTS = 4;

/** A kernel under test, and what a test does behind its back. */
export interface Subject {
  readonly kernel: Kernel;
  /** Adds a network device that is up; answers its ifindex. */
  addNetdev(name: string): number;
  removeNetdev(name: string): void;
  /** Writes an entry whose check does not fit its value. */
  plantUnsound(key: EntryKey, value: EntryValue): void;
  count(slot: number, counter: Counter): void;
}

export function memorySubject(): Subject & { readonly kernel: MemoryKernel } {
  const kernel = new MemoryKernel({ slots: SLOTS });
  return {
    kernel,
    addNetdev: (name) => kernel.netdev(name).ifindex,
    removeNetdev: (name) => kernel.removeNetdev(name),
    plantUnsound: (key, value) => {
      kernel.plant(key, value, false);
    },
    count: (slot, counter) => kernel.count(slot, counter),
  };
}
