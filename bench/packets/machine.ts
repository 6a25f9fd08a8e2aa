import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release } from 'node:os';

/** What numbers depend on beside the program. */
export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly kernel: string;
  readonly clang: string;
  /** How the kernel answers speculation, as far as it slows programs. */
  readonly mitigations: readonly string[];
  readonly load: number;
}

const FAULTS = ['spectre_v2', 'spec_rstack_overflow', 'retbleed'];

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: availableParallelism(),
    kernel: release(),
    clang: execFileSync('clang', ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '',
    mitigations: FAULTS.map(
      (name) => `${name}: ${readFileSync(`/sys/devices/system/cpu/vulnerabilities/${name}`, 'utf8').trim()}`,
    ),
    load: loadavg()[0] ?? 0,
  };
}
