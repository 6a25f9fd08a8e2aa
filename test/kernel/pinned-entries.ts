import { join } from 'node:path';
import { Control } from '../../agent/kernel/control.ts';
import { EntryMaps } from '../../agent/kernel/entry-maps.ts';
import { openTables } from '../../agent/kernel/row-table.ts';
import { loadNative, type MapHandle } from '../../native/index.ts';
import { must } from '../support/must.ts';
import type { LoadedProgram } from './loaded-program.ts';

const NAMES = ['redirect4', 'redirect6', 'rows4', 'rows6', 'filter4', 'filter6', 'control', 'shapes'] as const;

/** Pins what the agent's code writes, for another thread or process to open. */
export function pinEntries(program: LoadedProgram, bpffs: string): void {
  for (const name of NAMES) program.pin(name, join(bpffs, name));
}

/** The agent's own code over maps that were pinned, which it has read back. */
export function openEntries(bpffs: string): EntryMaps {
  const native = loadNative();
  const opened = NAMES.map((name) => [name, must(name, native.mapOpen(join(bpffs, name), false))] as const);
  const maps = Object.fromEntries(opened) as Record<(typeof NAMES)[number], MapHandle>;
  const control = new Control(native, maps.control, maps.shapes, '');
  const entries = new EntryMaps(native, { 4: maps.redirect4, 6: maps.redirect6 }, openTables(native, maps, control));
  for (const _ of entries.observe());
  while (entries.tend());
  return entries;
}
