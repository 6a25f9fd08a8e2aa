import { globSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ROOT, read } from './pages.ts';

const FACTS = [...read('docs/kernel-facts.md').matchAll(/^### (.+)$/gm)].map(([, fact]) => fact ?? '');

/** Files of the project's own code, by their paths in it. */
function sources(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: ROOT }).filter((path) => !path.includes('node_modules'));
}

test('facts page: every fact has its test, and every test its fact', (t) => {
  const titles = sources('test/kernel/facts/*.test.ts').flatMap((path) => [
    ...read(path).matchAll(/kernel\(\s*['"`]fact ([^:]*):/g),
  ]);
  t.deepEqual([...new Set(titles.map(([, fact]) => fact))].sort(), FACTS.toSorted());
  t.is(new Set(FACTS).size, FACTS.length);
});

test('facts page: what the code cites is there', (t) => {
  const code = sources('{agent,bpf,cli,controller,native,test/{conformance,fakes,kernel,support}}/**/*.{ts,h,c,cc}');
  t.true(code.length > 50);
  for (const path of code) {
    for (const [, fact = ''] of read(path).matchAll(/kernel-facts(?:\.md#|: )([a-z-]+)/g)) {
      t.true(FACTS.includes(fact), `${join(path)} cites ${fact}`);
    }
  }
});
