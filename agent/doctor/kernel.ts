import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { Native } from '../../native/index.ts';
import type { Shortfall } from '../attach/floor.ts';
import { isErrno } from '../kernel/errno.ts';
import { NO_GRACE } from '../kernel/grace.ts';
import { whyUntold } from '../kernel/netdevs.ts';
import { type Finding, findings } from './finding.ts';

/** Since then a kernel says what its drivers can do. */
const TELLING = '6.3';

const kernel = findings('kernel');

/** Looks at the kernel itself: its release, and what it can do that Shunt uses. */
export function examineKernel(
  native: Pick<Native, 'netFeatures' | 'membarrierGlobal'>,
  shortfall: Shortfall | undefined,
): readonly Finding[] {
  const found = [examineRelease(shortfall)];
  const { rc } = native.netFeatures();
  found.push(
    rc < 0
      ? kernel.warn(
          `does not say which drivers send redirected frames (${whyUntold(rc)})`,
          `with Linux ${TELLING} or newer shunt attach chooses the mode by itself; until then name one with --mode`,
        )
      : kernel.ok('says which drivers send redirected frames'),
  );
  if (isErrno(native.membarrierGlobal(), 'EINVAL'))
    found.push(kernel.bad('tells no agent when packets under way are through', NO_GRACE));
  if (readNumber('/proc/sys/net/core/bpf_jit_enable') === 0)
    found.push(kernel.warn('interprets BPF programs: slow', 'sysctl net.core.bpf_jit_enable=1'));
  if (!existsSync('/sys/kernel/btf/vmlinux'))
    found.push(
      kernel.warn(
        'has no BTF of its own, so lost packets cannot be counted',
        'use a kernel with CONFIG_DEBUG_INFO_BTF',
      ),
    );
  return found;
}

function examineRelease(shortfall: Shortfall | undefined): Finding {
  if (shortfall === undefined) return kernel.ok(`Linux ${release()}`);
  const { keeps, why, mend } = shortfall;
  return keeps === 'untried' ? kernel.warn(why, mend) : kernel.bad(why, mend);
}

/** Undefined where the file is not there or not for this user. */
function readNumber(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
