/** The tick rates that Linux can be built with (kernel/Kconfig.hz). */
const RATES = [100, 250, 300, 1000] as const;
const SAMPLE_MS = 120;

/**
 * Measures the kernel's jiffies a second against the monotonic clock: the build's own word (/proc/config.gz) is not
 * everywhere. Answers the nearest rate that exists. `read` answers jiffies64 now.
 */
export function measureHertz(read: () => bigint): number {
  const from = read();
  const startMs = performance.now();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SAMPLE_MS);
  const jiffies = Number(read() - from);
  const rate = (jiffies * 1000) / (performance.now() - startMs);
  return RATES.reduce((best, it) => (Math.abs(it - rate) < Math.abs(best - rate) ? it : best));
}
