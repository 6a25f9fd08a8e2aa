/** What a folder of tests may need and this machine may lack. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

const CHECKS = {
  root: () => process.getuid?.() === 0,
  addon: () => existsSync(join(ROOT, 'native/build/Release/shunt.node')),
  object: () => existsSync(join(ROOT, 'bpf/build/redirect.bpf.o')),
  'nats-server': () => onPath('nats-server'),
  // Brings one where there is none, and says on standard error why that could not be.
  'Docker engine': () => runs(join(ROOT, 'docker/engine'), 'true'),
} as const satisfies Record<string, () => boolean | Promise<boolean>>;

export type Need = keyof typeof CHECKS;

function onPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));
}

async function runs(command: string, ...args: readonly string[]): Promise<boolean> {
  const [status] = await once(spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }), 'exit');
  return status === 0;
}

/** Lists those of the needs that this machine does not meet. */
export async function missing(needs: readonly Need[]): Promise<Need[]> {
  const met = await Promise.all(needs.map((need) => CHECKS[need]()));
  return needs.filter((_, index) => !met[index]);
}
