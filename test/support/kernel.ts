import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test, { type SerialFn, type TestFn } from 'ava';

/** Says what a test against the real kernel lacks here; undefined when nothing. */
export function missingForKernel(): string | undefined {
  if (process.platform !== 'linux') return 'Linux';
  if (process.geteuid?.() !== 0) return 'root';
  const addon = fileURLToPath(new URL('../../native/build/Release/shunt.node', import.meta.url));
  return existsSync(addon) ? undefined : 'the built addon';
}

/**
 * Ava's serial test, for tests that need root and the addon. Without them it skips and says what is missing, unless
 * REQUIRE names `kernel`: then what is missing is a failure.
 */
export function kernelTests(): SerialFn | SerialFn['skip'] {
  return isReady() ? test.serial : test.serial.skip;
}

/** The same for tests of a file that may run beside each other: each has its own namespaces and pins, and they mostly wait. */
export function kernelTestsBeside(): TestFn | TestFn['skip'] {
  return isReady() ? test : test.skip;
}

function isReady(): boolean {
  const missing = missingForKernel();
  if (missing === undefined) return true;
  if (process.env.REQUIRE?.split(',').includes('kernel')) throw new Error(`kernel tests need ${missing}`);
  test.serial.skip(`kernel: skipped for want of ${missing}`, (t) => t.pass());
  return false;
}
