import type { PassReason } from '../../agent/kernel/abi.ts';
import type { Counter } from '../../agent/model/counter.ts';
import type { EntryValue } from '../../agent/model/entry.ts';
import { type EntryKey, entryId } from '../../agent/model/entry-key.ts';
import type { Kernel } from '../../agent/ports.ts';
import type { Family } from '../../protocol/match.ts';
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
  /** Removes an entry. */
  uproot(key: EntryKey): void;
  count(slot: number, counter: Counter): void;
  /** Writes a key of the devmap that leads to a device. */
  lead(key: number, ifindex: number): void;
  /** Writes an entry with a key that no match has, another one for each `n`, if there is room. */
  plantStray(family: Family, n: number): void;
  /** Changes masks in the lists of shapes. */
  damageShapes(family: Family): void;
  /** Changes what is protected to something that no list of ours says. */
  damageProtected(): void;
  /** As the commands that have packets pass uncounted. */
  blind(): void;
  /** Counts hits as passed, and then under their verdict, as the program does. */
  pass(slot: number, verdict: PassReason, packets: bigint): void;
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
    uproot: (key) => kernel.uproot(entryId(key)),
    count: (slot, counter) => kernel.count(slot, counter),
    lead: (key, ifindex) => kernel.plug(key, ifindex),
    plantStray: (family) => {
      if (kernel.hasRoom(family)) kernel.plantStrays(family, 1);
    },
    damageShapes: (family) => kernel.setShapes(family, undefined),
    damageProtected: () => {
      kernel.protectedMatches = undefined;
    },
    blind: () => {
      kernel.blinded += 1;
    },
    pass: (slot, verdict, packets) => kernel.pass(slot, verdict, packets),
  };
}
