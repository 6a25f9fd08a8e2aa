import { existsSync, readFileSync } from 'node:fs';
import type { Native } from '../../native/index.ts';
import { ndoXmit } from '../kernel/netdevs.ts';
import { type Finding, findings } from './finding.ts';

/** XDP links came with Linux 5.9, the word on what drivers can do with 6.3. */
const OLDEST = [5, 9] as const;
const TELLING = '6.3';

const kernel = findings('kernel');

/** Looks at the kernel itself: its release, and what it can do that Shunt uses. */
export function examineKernel(native: Pick<Native, 'netFeatures'>, release: string): readonly Finding[] {
  const found = [examineRelease(release)];
  found.push(
    ndoXmit(native) === undefined
      ? kernel.warn(
          'does not say which drivers send redirected frames',
          `with Linux ${TELLING} or newer shunt attach chooses the mode by itself; until then name one with --mode`,
        )
      : kernel.ok('says which drivers send redirected frames'),
  );
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

function examineRelease(release: string): Finding {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  const old = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
  if (old) return kernel.bad(`Linux ${release} attaches no XDP program by link`, `use Linux ${TELLING} or newer`);
  return kernel.ok(`Linux ${release}`);
}

/** Undefined where the file is not there or not for this user. */
function readNumber(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
