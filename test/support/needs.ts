/** What a folder of tests may need and this machine may lack. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

const CHECKS = {
  root: () => process.getuid?.() === 0,
  addon: () => existsSync(join(ROOT, 'native/build/Release/shunt.node')),
  object: () => existsSync(join(ROOT, 'bpf/build/redirect.bpf.o')),
  'nats-server': () => onPath('nats-server'),
} as const satisfies Record<string, () => boolean>;

export type Need = keyof typeof CHECKS;

function onPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));
}

/** Lists those of the needs that this machine does not meet. */
export function missing(needs: readonly Need[]): Need[] {
  return needs.filter((need) => !CHECKS[need]());
}
