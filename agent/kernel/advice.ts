import { errnoName, TOO_MANY_FILES } from './errno.ts';

/**
 * What to do about an errno of bpf(2), where it is the same whatever was tried; empty where the errno alone does not tell.
 * Sources: bpf(2), and kernel/bpf/syscall.c for the sysctl.
 */
const OF_BPF: Readonly<Record<string, string>> = {
  EPERM:
    'the kernel lets this process use no bpf(2): before Linux 5.19 kernel.unprivileged_bpf_disabled does that to whoever lacks CAP_BPF, and so may the seccomp profile of a container at any time',
  ENOSYS: 'this kernel has no bpf(2), or the seccomp profile of a container hides it',
  ...TOO_MANY_FILES,
  ENOMEM:
    'the kernel has no memory for it: free some, or raise the limit of this cgroup, or of locked memory (ulimit -l)',
};

const OF_PINS: Readonly<Record<string, string>> = {
  ENOENT: 'pins are missing: run `shunt detach` and `shunt attach` as root',
  EINVAL: 'something else is pinned there: run `shunt detach` and `shunt attach` as root',
  EROFS: 'its bpffs is read-only: mount it to be written',
  ENOTDIR: 'a part of its path is no folder',
  ELOOP: 'its path leads through a symbolic link that leads to itself',
};

/** What an errno of opening a pin means, and what to do; `denied` is that for a user whom the file modes keep out. */
export function pinAdvice(rc: number, denied: string): string {
  const errno = errnoName(rc);
  if (errno === 'EACCES') return denied;
  return OF_PINS[errno] ?? bpfAdvice(rc);
}

/** An errno, and what to do about it where that is known. */
export function errnoText(rc: number, advice: string): string {
  return advice === '' ? errnoName(rc) : `${errnoName(rc)}; ${advice}`;
}

/** What an errno of bpf(2) means, and what to do; `special` where the call gives one a meaning of its own. */
export function bpfAdvice(rc: number, special: Readonly<Record<string, string>> = {}): string {
  const errno = errnoName(rc);
  return special[errno] ?? OF_BPF[errno] ?? '';
}
