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
  // Brings one where there is none, and says on standard error why that could not be. An image that cannot be built is
  // for its tests to tell.
  'Docker engine': () => runs(join(ROOT, 'docker/engine'), 'sh', '-c', 'docker compose build >/dev/null 2>&1 || :'),
} as const satisfies Record<string, () => boolean | Promise<boolean>>;

export type Need = keyof typeof CHECKS;

function onPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));
}

/** What was found once, or is being looked for. */
const found = new Map<Need, Promise<boolean>>();

function isMet(need: Need): Promise<boolean> {
  const met = found.get(need) ?? Promise.resolve(CHECKS[need]());
  found.set(need, met);
  return met;
}

async function runs(command: string, ...args: readonly string[]): Promise<boolean> {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  const [status] = await once(child, 'exit');
  return status === 0;
}

/** Lists those of the needs that this machine does not meet; what can be made is made, once. */
export async function missing(needs: readonly Need[]): Promise<Need[]> {
  const met = await Promise.all(needs.map(isMet));
  return needs.filter((_, index) => !met[index]);
}
