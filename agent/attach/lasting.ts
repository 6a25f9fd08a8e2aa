import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { shellWord } from '../../protocol/plain.ts';
import { majorOf, minorOf } from '../kernel/processes.ts';
import { AttachError } from './attach-error.ts';
import { netnsName, netnsPath } from './netns.ts';

/** PROC_PID_INIT_INO of include/linux/proc_ns.h: the pid namespace of the machine itself. */
const MACHINE = 'pid:[4026531836]';
/** A first process that goes on whatever becomes of what it started. */
const INIT = 'systemd';

/**
 * Says why what is pinned below `pinRoot` may be gone when this process is; undefined when it stays. A bpffs lives as long
 * as a mount namespace that has it, and such a namespace as long as its processes: so process 1 has to see it too, and
 * must not be one that waits for our end to end itself, as in a container. `proc` is where procfs is.
 */
export function whyNotLasting(pinRoot: string, proc = '/proc'): string | undefined {
  try {
    if (!isSeenByFirst(pinRoot, proc))
      return 'process 1 does not see them: `ip netns exec`, `unshare --mount` and units with PrivateMounts, ProtectSystem and the like have mounts of their own';
    return waitsForUs(proc) ? 'process 1 of this container may end with this command' : undefined;
  } catch (error) {
    return `whether process 1 sees them cannot be told: ${(error as Error).message}`;
  }
}

/** Refuses pins that may not outlive this process. Errors: AttachError. */
export function requireLasting(pinRoot: string): void {
  const why = whyNotLasting(pinRoot);
  if (why === undefined) return;
  const name = netnsName();
  const where =
    name === undefined ? 'outside of them' : `as \`nsenter --net=${shellWord(netnsPath(name))} shunt attach …\``;
  throw new AttachError(
    `pins at ${pinRoot} would go with this command, and the program with them: ${why}; nothing was attached; ` +
      `run it ${where}, or with --accept-private-pins if whatever holds these mounts lives on`,
  );
}

/** Whether process 1 has the file system of a path, too, wherever that is mounted there. Errors: that of reading. */
export function isSeenByFirst(path: string, proc = '/proc'): boolean {
  const device = deviceOf(path);
  return readFileSync(join(proc, '1/mountinfo'), 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[2] === device);
}

/** As mountinfo writes it. */
function deviceOf(path: string): string {
  const { dev } = statSync(path, { bigint: true });
  return `${majorOf(dev)}:${minorOf(dev)}`;
}

/** Whether process 1 is this one, or started this one, and is not known to go on. */
function waitsForUs(proc: string): boolean {
  if (readlinkSync(join(proc, 'self/ns/pid')) === MACHINE) return false;
  if (readFileSync(join(proc, '1/comm'), 'utf8').trim() === INIT) return false;
  let pid = Number(readlinkSync(join(proc, 'self')));
  while (pid > 1) pid = parentOf(proc, pid);
  return pid === 1;
}

/** 0 for what was started from outside of the pid namespace. */
function parentOf(proc: string, pid: number): number {
  const path = join(proc, `${pid}/status`);
  const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(path, 'utf8'))?.[1];
  if (parent === undefined) throw new Error(`${path} names no parent`);
  return Number(parent);
}
