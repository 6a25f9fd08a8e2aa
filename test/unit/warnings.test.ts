import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

// Which warnings there are depends on a user's compiler and flags, so no warning may stop a user's build.
for (const file of ['native/binding.gyp', 'bpf/Makefile', 'dev']) {
  test(`warnings: are errors in ${file} only where WARNINGS asks for it`, (t) => {
    const lines = read(file)
      .split('\n')
      .filter((line) => line.includes('-Werror'));
    t.deepEqual(
      lines.filter((line) => !line.includes('WARNINGS')),
      [],
    );
  });
}

test('warnings: are errors in CI, which builds everything', (t) => {
  t.regex(read('.ci/run'), /^export WARNINGS=error$/m);
});
