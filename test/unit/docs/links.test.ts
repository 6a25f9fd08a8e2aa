import { existsSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { VERDICTS } from '../../../agent/kernel/abi.ts';
import { COMMANDS } from '../../../cli/commands.ts';
import { OPTION_NAMES } from '../../../cli/line/options.ts';
import { CODES } from '../../../protocol/codes.ts';
import { pages, quoted, ROOT, read } from './pages.ts';

/** What looks like a path of the project: a known folder, and what is in it. */
const FOLDERS = 'agent|bpf|cli|controller|demo|docs|migrations|native|protocol|test|tools';
const PATH = new RegExp(`^(?:${FOLDERS})/[\\w./*%-]*$`);

/** A heading as GitHub names it in a link. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}

test('pages: every link leads somewhere', (t) => {
  for (const page of pages()) {
    for (const [, target = '', anchor] of read(page).matchAll(/\]\(([\w./-]*)(?:#([\w-]*))?\)/g)) {
      const file = target === '' ? page : join(dirname(page), target);
      t.true(existsSync(join(ROOT, file)), `${page}: ${target}`);
      if (anchor === undefined) continue;
      const headings = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? ''));
      t.true(headings.includes(anchor), `${page}: ${target}#${anchor}`);
    }
  }
});

test('pages: every file that is named exists', (t) => {
  for (const page of pages()) {
    for (const path of quoted(read(page)).filter((text) => PATH.test(text) && !text.includes('NAME'))) {
      t.true(globSync(join(ROOT, path)).length > 0, `${page}: ${path}`);
    }
  }
});

test('pages: every command and option that is shown exists', (t) => {
  const dev = [...read('dev').matchAll(/^ {2}([a-z]+)\)/gm)].map(([, name]) => name ?? '');
  for (const page of pages()) {
    const text = read(page);
    for (const [, command = ''] of text.matchAll(/\.\/dev ([a-z]+)/g))
      t.true(dev.includes(command), `${page}: ${command}`);
    for (const [, command = '', rest = ''] of text.matchAll(/(?:\/dev |`)shunt ([a-z]+)([^`\n]*(?:\\\n[^`\n]*)*)/g)) {
      t.true(Object.hasOwn(COMMANDS, command), `${page}: shunt ${command}`);
      for (const [, option = ''] of rest.matchAll(/ --([a-z-]+)/g)) {
        t.true((OPTION_NAMES as readonly string[]).includes(option), `${page}: shunt ${command} --${option}`);
      }
    }
  }
});

test('pages: what operations.md says of codes is said of codes that there are', (t) => {
  const words = quoted(read('docs/operations.md')).filter((text) => /^(?!SHUNT_)[A-Z]+(_[A-Z]+)+$/.test(text));
  const codes = words.filter((word) => !(VERDICTS as readonly string[]).includes(word));
  t.true(codes.length > 0);
  for (const code of codes) t.true(Object.hasOwn(CODES, code), code);
});
