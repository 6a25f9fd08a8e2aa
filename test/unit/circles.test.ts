import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import test from 'ava';

const ROOT = join(import.meta.dirname, '../..');
const FOLDERS = 'agent,bus,cli,controller,daemon,demo,migrations,native,protocol';

/** What each source file imports of the others, types included. */
function readImports(): Map<string, readonly string[]> {
  const files = globSync(`{${FOLDERS}}/**/*.ts`, { cwd: ROOT, exclude: (name) => /node_modules|build/.test(name) });
  return new Map(
    files.map((file) => {
      const source = readFileSync(join(ROOT, file), 'utf8');
      const specifiers = source.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g);
      return [file, [...specifiers].map(([, specifier = '']) => normalize(join(dirname(file), specifier)))];
    }),
  );
}

/** A way from a file back to itself, or undefined where there is none in all of the graph. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): readonly string[] | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of imports.get(file) ?? []) {
      const circle = visit(next, [...way, file]);
      if (circle !== undefined) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const circle = visit(file, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

test('circles: one that is planted is found', (t) => {
  const imports = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', []],
    ['d', ['b']],
  ]);
  t.deepEqual(circleIn(imports), ['b', 'd', 'b']);
});

test('circles: no source files import each other, however far round', (t) => {
  const imports = readImports();
  t.true(imports.size > 200);
  t.is(circleIn(imports)?.join(' → '), undefined);
});
