import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ownNetns } from '../kernel/open-maps.ts';

/** Where `ip netns` keeps network namespaces by name. */
const FOLDER = '/run/netns';

export function netnsPath(name: string): string {
  return join(FOLDER, name);
}

/** The names of the network namespaces that have one. */
export function netnsNames(): readonly string[] {
  try {
    return readdirSync(FOLDER);
  } catch {
    return [];
  }
}

/** The name of the network namespace that this process is in; undefined when it has none. */
export function netnsName(): string | undefined {
  const own = ownNetns();
  return netnsNames().find((name) => inodeOf(netnsPath(name)) === own);
}

function inodeOf(path: string): bigint | undefined {
  try {
    return statSync(path, { bigint: true }).ino;
  } catch {
    return undefined;
  }
}
