/**
 * Has Node.js take what `./dev build` compiled, and keep there what has changed since; importing this does it. A file counts
 * as long as its source is the same. Where nothing was built, nothing is kept; nor where this user may not write, or has
 * no part of his own: then files are compiled as ever.
 */
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../.cache/compiled', import.meta.url));
if (existsSync(folder)) {
  const umask = process.umask(0o077); // what is compiled is believed, so nobody else may write there
  module.enableCompileCache?.(folder);
  process.umask(umask);
}
