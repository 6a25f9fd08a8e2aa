import { type Document, isAlias, isCollection, isMap, isScalar, isSeq, LineCounter, type Pair, visit } from 'yaml';
import type { Code } from '../../protocol/codes.ts';
import { attempt, type Faults, show } from '../../protocol/read.ts';
import { Refused } from '../../protocol/refused.ts';
import { composeYaml } from '../line/bounded-yaml.ts';
import type { FileProblem } from '../line/failure.ts';
import type { Source } from './source.ts';
import { type Contents, EXPECTED, type Place, readRedirects, type Written } from './written.ts';

/** A document of YAML takes nearly 200 times its size in memory while it is read. */
const MAX_YAML_BYTES = 8 * 1024 * 1024;
/** How often the aliases of one document may be followed: a list of hosts for thousands of redirects, and no alias bomb. */
const MAX_ALIASES = 10_000;
const TOO_LONG = 'longer than 8 MiB, which is too long for YAML; write it as JSON lines, one redirect a line';

/** Reads `redirects:` of every YAML document: YAML 1.2 core schema, no tags, no key twice. */
export function readYaml(source: Source): Contents {
  if (source.bytes.length > MAX_YAML_BYTES) return refused(wholeFile(source, 'TOO_LARGE', TOO_LONG));
  const text = decode(source);
  if (typeof text !== 'string') return refused(text);
  const lines = new LineCounter();
  const { documents, excess } = composeYaml(text, lines);
  const tooMuch = excess.map(({ offset, code, message }): FileProblem => {
    const { line, col } = lines.linePos(offset);
    return { file: source.name, line, column: col, path: '', code, message };
  });
  const files = documents
    .filter(({ contents, errors }) => contents !== null || errors.length > 0)
    .map((document) => new YamlFile(source.name, document, lines));
  if (files.length + excess.length === 0)
    return refused(wholeFile(source, 'MISSING_FIELD', `there is nothing; ${EXPECTED}`));
  const problems = [...tooMuch, ...files.flatMap((file) => file.problems)];
  return { written: files.flatMap((file) => file.written), problems };
}

function wholeFile({ name }: Source, code: Code, message: string): FileProblem {
  return { file: name, line: 1, path: '', code, message };
}

function refused(problem: FileProblem): Contents {
  return { written: [], problems: [problem] };
}

/** One document of a file, with the places of its nodes. */
class YamlFile {
  readonly written: readonly Written[] = [];
  readonly problems: readonly FileProblem[];
  readonly #name: string;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;

  constructor(name: string, document: Document.Parsed, lines: LineCounter) {
    this.#name = name;
    this.#document = document;
    this.#lines = lines;
    const written = [...this.#syntaxProblems(), ...this.#tagProblems()];
    const faults: Faults = new Map();
    const redirects = attempt(() => readRedirects(this.#toPlain(), '', faults), faults) ?? [];
    this.written = redirects.slice(0, this.#soundItems()).map((value, index) => ({
      value,
      locate: (path, code) => this.#locate(path === '' ? `redirects[${index}]` : `redirects[${index}].${path}`, code),
    }));
    const read = [...faults.values()].map(({ path, code, reason }) => {
      return { ...this.#locate(path, code), code, message: reason };
    });
    this.problems = written.length > 0 ? written : read;
  }

  /** How many redirects stand before what is no YAML: the one that it belongs to, and all after it, may be its consequence. */
  #soundItems(): number {
    const { errors, contents } = this.#document;
    const fault = errors.find(({ code }) => code !== 'DUPLICATE_KEY');
    if (fault === undefined) return Number.POSITIVE_INFINITY;
    const list = isMap(contents) ? contents.get('redirects') : undefined;
    if (!isSeq(list)) return 0;
    return Math.max(
      list.items.filter((item) => (startOf(item) ?? Number.POSITIVE_INFINITY) <= fault.pos[0]).length - 1,
      0,
    );
  }

  /** What follows the first fault is mostly its consequence; only keys given twice are faults of their own. */
  #syntaxProblems(): FileProblem[] {
    const { errors } = this.#document;
    const chosen = errors.filter(
      (error, at) => at === 0 || (error.code === 'DUPLICATE_KEY' && errors[0]?.code === error.code),
    );
    return chosen.map(({ pos, code, message }) => {
      const text =
        code === 'DUPLICATE_KEY' ? this.#twice(pos[0]) : `not valid YAML: ${message.replaceAll(/\s+/g, ' ')}`;
      return { ...this.#at(pos[0], ''), code: 'NOT_VALID', message: text };
    });
  }

  /** Names the key that stands at a place for the second time, and where it stands first. */
  #twice(offset: number): string {
    let text = 'the same key twice';
    visit(this.#document, {
      Map: (_, { items }) => {
        const again = items.find(({ key }) => startOf(key) === offset)?.key;
        const first = items.find(({ key }) => isScalar(key) && isScalar(again) && key.value === again.value)?.key;
        if (!isScalar(again) || first === undefined) return undefined;
        const { line } = this.#lines.linePos(startOf(first) ?? 0);
        text = `the key ${show(again.value)} stands twice, first in line ${line}`;
        return visit.BREAK;
      },
    });
    return text;
  }

  #tagProblems(): FileProblem[] {
    const problems: FileProblem[] = [];
    visit(this.#document, {
      Node: (_, node) => {
        if (isAlias(node) || node.tag === undefined) return;
        problems.push({
          ...this.#at(node.range?.[0] ?? 0, ''),
          code: 'NOT_VALID',
          message: 'YAML tags such as !!str are not accepted; quote a text instead',
        });
      },
    });
    return problems;
  }

  #toPlain(): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (error) {
      if (error instanceof ReferenceError)
        throw new Refused('TOO_MANY', '', 'its aliases unfold to too much; write the values out');
      throw error;
    }
  }

  /** The place of a field: of its key when the field itself is unknown, else of its value; what is absent, of what lacks it. */
  #locate(path: string, code?: string): Place {
    let node: unknown = this.#document.contents;
    let offset = startOf(node) ?? 0;
    for (let rest = path; rest !== ''; ) {
      const step = takeStep(node, rest);
      if (step === undefined) break;
      ({ node, rest } = step);
      const start = (rest === '' && code === 'UNKNOWN_FIELD') || !hasText(node) ? step.key : node;
      offset = startOf(start) ?? startOf(step.key) ?? offset;
    }
    return this.#at(offset, path);
  }

  #at(offset: number, path: string): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#name, line, column: col, path };
  }
}

interface Step {
  readonly key: unknown;
  readonly node: unknown;
  readonly rest: string;
}

/** Goes one step down a path; keys may contain dots (labels), so the longest key that fits is taken. */
function takeStep(node: unknown, path: string): Step | undefined {
  if (isSeq(node)) {
    const [whole = '', index = ''] = /^\[([0-9]+)\]\.?/.exec(path) ?? [];
    const item = whole === '' ? undefined : node.items[Number(index)];
    return item === undefined ? undefined : { key: item, node: item, rest: path.slice(whole.length) };
  }
  if (!isMap(node)) return undefined;
  const fitting = (node.items as Pair[]).filter(({ key }) => isScalar(key) && fits(String(key.value), path));
  const [pair] = fitting.sort((a, b) => String(b.key).length - String(a.key).length);
  if (pair === undefined || !isScalar(pair.key)) return undefined;
  return { key: pair.key, node: pair.value, rest: path.slice(String(pair.key.value).length).replace(/^\./, '') };
}

function fits(key: string, path: string): boolean {
  return path.startsWith(key) && ['', '.', '['].includes(path.charAt(key.length));
}

function startOf(node: unknown): number | undefined {
  return isAlias(node) || isScalar(node) || isCollection(node) ? node.range?.[0] : undefined;
}

/** An absent value (`dport:`) has a place after its key, maybe on the next line; the key says more. */
function hasText(node: unknown): boolean {
  return !isScalar(node) || node.value !== null || node.source !== '';
}

/** Decodes UTF-8, or says in which line it is none. */
function decode({ name, bytes }: Source): string | FileProblem {
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  try {
    return utf8.decode(bytes);
  } catch {
    const line =
      bytes
        .toString('latin1')
        .split('\n')
        .findIndex((text) => !isUtf8(text)) + 1;
    return { file: name, line, path: '', code: 'NOT_VALID', message: 'not UTF-8' };
  }
}

function isUtf8(latin1: string): boolean {
  const bytes = Buffer.from(latin1, 'latin1');
  return bytes.equals(Buffer.from(bytes.toString('utf8')));
}
