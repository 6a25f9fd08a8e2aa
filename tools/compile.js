/** Compiles all that `shunt` runs, so that no start has to: for `./dev build`, which has made .cache/compiled for it. */
import '../cli/compiled.js';
import { globSync } from 'node:fs';

const root = new URL('../', import.meta.url);
const sources = globSync('{agent,bus,cli,controller,daemon,migrations,native,protocol}/**/*.ts', { cwd: root });
for (const source of sources) if (source !== 'cli/main.ts') await import(new URL(source, root).href);
process.argv[2] = '--version';
await import('../cli/main.ts');
