import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { API_VERBS, MAX_PROBLEMS } from '../../../protocol/api.ts';
import { ASK_VERBS, MAX_LIMIT } from '../../../protocol/ask.ts';
import { MAX_CHANGES } from '../../../protocol/changes.ts';
import { CODES } from '../../../protocol/codes.ts';
import { EVENT_KINDS } from '../../../protocol/event.ts';
import { MAX_MESSAGE_BYTES } from '../../../protocol/json.ts';
import { MAX_EXCEPTIONS } from '../../../protocol/status.ts';
import { makeSubjects } from '../../../protocol/subjects.ts';
import { ROOT, read } from './pages.ts';

const PAGE = read('docs/protocol.md');
const FIXTURES = readdirSync(join(ROOT, 'protocol/fixtures')).sort();
const LINK = /\[`([a-z-]+\.json)`\]\(\.\.\/protocol\/fixtures\/([a-z-]+\.json)\)/g;

function fixture(name: string): Record<string, unknown> {
  return JSON.parse(read(`protocol/fixtures/${name}`)) as Record<string, unknown>;
}

/** The page cut at its headings. */
function sections(): readonly string[] {
  return PAGE.split(/^(?=##+ )/m);
}

test('protocol page: every code has a line, and no line is for a code that there is not', (t) => {
  const lines = [...PAGE.matchAll(/^\| `([A-Z_]+)` \| .+ \|$/gm)].map(([, code]) => code);
  t.deepEqual(lines.sort(), Object.keys(CODES).sort());
});

test('protocol page: every fixture is the example of its message', (t) => {
  const linked = [...PAGE.matchAll(LINK)].map(([, text, target]) => (text === target ? text : `${text} → ${target}`));
  t.deepEqual([...new Set(linked)].sort(), FIXTURES);
});

test('protocol page: an example that is written out is its fixture', (t) => {
  const blocks = [...PAGE.matchAll(/fixtures\/([a-z-]+\.json)\)\n```json\n([\s\S]*?)```/g)];
  t.is(blocks.length, [...PAGE.matchAll(/^```json$/gm)].length, 'each block follows its link');
  for (const [, name = '', json = ''] of blocks) t.deepEqual(JSON.parse(json), fixture(name), name);
});

test('protocol page: every field of an example is described in its section', (t) => {
  for (const section of sections()) {
    for (const [, name = ''] of section.matchAll(LINK)) {
      if (name === 'digest.json') continue;
      for (const field of Object.keys(fixture(name)))
        t.true(new RegExp(`[\`"]${field}[\`"]`).test(section), `${name}: ${field}`);
    }
  }
});

test('protocol page: the digest that is worked out is the digest', (t) => {
  const { elements } = fixture('digest.json') as {
    elements: { key: string; rev: number; body: string; element: string }[];
  };
  const shown = elements.filter(({ element }) => PAGE.includes(element));
  t.is(shown.length, 2);
  for (const { key, rev, body, element } of shown) {
    t.true(PAGE.includes(`    key   ${key}\n    rev   ${rev}\n    body  ${body}\n          ${element}\n`), key);
  }
  const sum = shown.reduce((all, { element }) => all + BigInt(`0x${element}`), 0n);
  t.true(PAGE.includes(`    both  ${BigInt.asUintN(128, sum).toString(16).padStart(32, '0')}\n`));
});

test('protocol page: subjects, verbs, kinds and limits are those of the code', (t) => {
  const subjects = makeSubjects();
  const host = (subject: string) => subject.replace('.x', '.HOST');
  for (const subject of [subjects.live('x'), subjects.sync('x'), subjects.status('x')]) {
    t.true(PAGE.includes(`\`${host(subject)}\``), subject);
  }
  t.true(PAGE.includes(`\`${host(subjects.askAll('x'))}\``));
  t.true(PAGE.includes(`\`${subjects.inbox('HOST'.toLowerCase()).replace('host', 'HOST')}\``));
  for (const kind of EVENT_KINDS) t.true(PAGE.includes(`\`${kind}\``), kind);
  for (const verb of Object.keys(API_VERBS)) t.true(new RegExp(`^### ${verb}$`, 'm').test(PAGE), verb);
  for (const verb of ASK_VERBS) t.true(PAGE.includes(`\`${verb}\` is answered`), verb);
  for (const limit of [MAX_MESSAGE_BYTES, MAX_CHANGES, MAX_LIMIT, MAX_EXCEPTIONS]) {
    t.true(PAGE.includes(limit.toLocaleString('en-US')), `${limit}`);
  }
  t.true(MAX_PROBLEMS >= 100);
});
