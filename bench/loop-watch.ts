/**
 * Loaded before a program, by `--import`: from then on SIGUSR2 has it say, as a line of JSON, how long its event loop stood
 * still at most since the last time, and how long its thread ran meanwhile at most (on a busy machine the two differ); and when the
 * process began.
 */
const EVERY_MS = 5;
let [longestMs, longestCpuMs] = [0, 0];
let last = now();

function now() {
  const { user, system } = process.threadCpuUsage();
  return { atMs: performance.now(), cpuMs: (user + system) / 1000 };
}

setInterval(() => {
  const { atMs, cpuMs } = now();
  longestMs = Math.max(longestMs, atMs - last.atMs - EVERY_MS);
  longestCpuMs = Math.max(longestCpuMs, cpuMs - last.cpuMs);
  last = { atMs, cpuMs };
}, EVERY_MS).unref();

process.on('SIGUSR2', () => {
  process.stdout.write(
    `${JSON.stringify({ standstill: { longestMs, longestCpuMs, originMs: performance.timeOrigin } })}\n`,
  );
  [longestMs, longestCpuMs] = [0, 0];
});
