import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { AttachError } from './attach-error.ts';

/** XDP links came with 5.9; from 5.19 on the owner of a pin may use it, whatever kernel.unprivileged_bpf_disabled says. */
const LINKS = [5, 9] as const;
const OWNERS = [5, 19] as const;
/** The oldest that Shunt is made for, and tried on none older. */
export const FLOOR = OWNERS.join('.');

/** What a kernel below the floor does not do. */
export interface Shortfall {
  /** `none`: the program cannot be attached; `agent`: an agent of this owner is kept from its maps; `untried`: neither. */
  readonly keeps: 'none' | 'agent' | 'untried';
  readonly why: string;
  readonly mend: string;
}

/** Of a kernel's release, the setting kernel.unprivileged_bpf_disabled and the owner of the maps; undefined at the floor. */
export function judgeKernel(
  kernel: string,
  unprivileged: string | undefined,
  uid: number | undefined,
): Shortfall | undefined {
  if (!isOlder(kernel, OWNERS)) return undefined;
  const mend = `use Linux ${FLOOR} or newer`;
  if (isOlder(kernel, LINKS)) return { keeps: 'none', why: `Linux ${kernel} attaches no XDP program by link`, mend };
  const older = `Linux ${kernel} is older than ${FLOOR}`;
  if (unprivileged === '0' || uid === 0 || uid === undefined)
    return { keeps: 'untried', why: `${older}, on which Shunt is not tried`, mend };
  const setting = `kernel.unprivileged_bpf_disabled is ${unprivileged ?? 'perhaps not 0'}`;
  return {
    keeps: 'agent',
    why: `${older}, and ${setting}: an agent of user ${uid} may not use bpf(2)`,
    mend: `${mend}, or set that to 0, or give the agent CAP_BPF`,
  };
}

/** The same of the kernel that runs. */
export function ownKernel(uid: number | undefined): Shortfall | undefined {
  return judgeKernel(release(), readSetting(), uid);
}

/** Errors: AttachError, where the program could not be attached. */
export function requireKernel(): void {
  const found = ownKernel(undefined);
  if (found?.keeps === 'none') throw new AttachError(`${found.why}; nothing was changed; ${found.mend}`);
}

function isOlder(kernel: string, [major, minor]: readonly [number, number]): boolean {
  const [own = 0, ownMinor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return own < major || (own === major && ownMinor < minor);
}

/** Undefined where the kernel has no such setting, or hides it. */
function readSetting(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/unprivileged_bpf_disabled', 'utf8').trim();
  } catch {
    return undefined;
  }
}
