import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { plainPath } from './pin-root.ts';

/**
 * A process of this network namespace that has a bpffs at the pin root in mounts of its own, where we have not that one: it was
 * unmounted here, or mounted there alone. What is pinned on it stands for as long as that process. Undefined where there is
 * none, or none that this user may see. `proc` is where procfs is.
 */
export function keeperElsewhere(pinRoot: string, proc = '/proc'): number | undefined {
  const own = namespaces(join(proc, 'self'));
  const known = new Set(bpffsAt(pinRoot, join(proc, 'self')));
  return pidsIn(proc).find((pid) => {
    const folder = join(proc, String(pid));
    const { net, mnt } = namespaces(folder);
    if (net === undefined || net !== own.net || mnt === own.mnt) return false;
    return bpffsAt(pinRoot, folder).some((device) => !known.has(device));
  });
}

/** How to attach where what is attached is kept by such a process. */
export function endsFirst(pid: number): string {
  return `end the agent (process ${pid}), then run shunt attach; packets pass unredirected in between`;
}

function pidsIn(proc: string): readonly number[] {
  return readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Processes come and go, and some are not this user's to look into: what cannot be read says nothing. */
function namespaces(folder: string): { readonly net?: string; readonly mnt?: string } {
  try {
    return { net: readlinkSync(join(folder, 'ns/net')), mnt: readlinkSync(join(folder, 'ns/mnt')) };
  } catch {
    return {};
  }
}

/** The devices of bpffs mounts at a path, as proc(5) says of mountinfo. */
function bpffsAt(path: string, folder: string): readonly string[] {
  return mountsOf(folder).flatMap((line) => {
    const [, , device = '', , point = '', ...rest] = line.split(' ');
    return plainPath(point) === path && rest[rest.indexOf('-') + 1] === 'bpf' ? [device] : [];
  });
}

function mountsOf(folder: string): readonly string[] {
  try {
    return readFileSync(join(folder, 'mountinfo'), 'utf8').split('\n');
  } catch {
    return [];
  }
}
