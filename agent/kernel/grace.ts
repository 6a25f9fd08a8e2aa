import type { Native } from '../../native/index.ts';
import { isErrno, requireDone } from './errno.ts';

/** What to do where the kernel tells nobody that all packets under way are through (kernel/sched/membarrier.c). */
export const NO_GRACE = 'membarrier(2) is refused where CPUs run without a tick: boot this host without nohz_full';

/** Returns once each packet that was under way in the program is through. Errors: KernelError. */
export function awaitPackets(native: Pick<Native, 'membarrierGlobal'>, target: string): void {
  const rc = native.membarrierGlobal();
  requireDone(rc, 'membarrier', target, isErrno(rc, 'EINVAL') ? NO_GRACE : '');
}
