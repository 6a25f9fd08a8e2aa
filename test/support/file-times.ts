/**
 * Reports how long a test file took, its loading included. ava requires it in every worker; writes to the file that
 * SHUNT_TEST_TIMES names, `MILLISECONDS FILE` a line, as the worker exits.
 */
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const report = process.env.SHUNT_TEST_TIMES;
if (report !== undefined) {
  const start = performance.now();
  process.once('exit', () => {
    const tookMs = Math.round(performance.now() - start);
    appendFileSync(report, `${tookMs} ${fileURLToPath(test.meta.file)}\n`);
  });
}
