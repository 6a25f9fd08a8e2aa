import { Composer, CST, type Document, type LineCounter, Parser } from 'yaml';
import type { Code } from '../../protocol/codes.ts';

/** What of a text is more than anything here needs, and would take the composer minutes or end its stack. */
export interface Excess {
  readonly offset: number;
  readonly code: Code;
  readonly message: string;
}

/** A redirect needs 5 levels. */
const MAX_DEPTH = 32;
/** A selector has at most 32 labels. The composer compares each key of a map with all before it. */
const MAX_KEYS = 64;
/** The longest text that anything takes is a key of a match. The composer puts folded lines together one by one. */
const MAX_TEXT = 4096;

/** The documents of a text; of one that has too much, only what that is. */
interface Composed {
  readonly documents: readonly Document.Parsed[];
  readonly excess: readonly Excess[];
}

/**
 * Reads YAML 1.2, core schema, in a time that grows as the text does. Each document is read by itself: where one is broken,
 * such as by a quote that is never closed, it takes no other with it.
 */
export function composeYaml(text: string, lines: LineCounter): Composed {
  const documents: Document.Parsed[] = [];
  const excess: Excess[] = [];
  for (const [start, end] of documentsIn(text)) {
    const parser = new Parser(lines.addNewLine);
    parser.offset = start;
    const tokens = [...parser.parse(text.slice(start, end))];
    const found = tokens.map(excessOf).find((one) => one !== undefined);
    if (found !== undefined) excess.push(found);
    else documents.push(...new Composer(COMPOSED).compose(tokens));
  }
  return { documents, excess };
}

const COMPOSED = { prettyErrors: false, schema: 'core', stringKeys: true, logLevel: 'silent' } as const;

/** YAML 1.2.2, 9.1.2: no text, quoted or not, goes on over a line that starts with this. */
const MARKER = /(?<![^\n])---(?=[ \t\r\n]|$)/g;
/** Empty lines, comments and directives before a marker are of the document that it begins. */
const PREAMBLE = /^\s*(?:[%#]|$)/;

/** Where the documents of a text start and end. */
function* documentsIn(text: string): Generator<readonly [start: number, end: number]> {
  let start = 0;
  for (const { index } of text.matchAll(MARKER)) {
    const before = text.slice(start, index).split('\n');
    if (before.every((line) => PREAMBLE.test(line))) continue;
    yield [start, index];
    start = index;
  }
  yield [start, text.length];
}

function excessOf(document: CST.Token): Excess | undefined {
  const waiting: [token: CST.Token, depth: number][] = [[document, 0]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [token, depth] = next;
    const excess = judge(token, depth);
    if (excess !== undefined) return excess;
    for (const child of childrenOf(token)) waiting.push([child, depth + 1]);
  }
  return undefined;
}

function judge(token: CST.Token, depth: number): Excess | undefined {
  const { offset } = token;
  if (depth > MAX_DEPTH) return { offset, code: 'TOO_DEEP', message: 'nested too deeply to be read' };
  if (isMap(token) && token.items.length > MAX_KEYS) {
    const message = `a map of ${token.items.length} keys; none here has more than ${MAX_KEYS}`;
    return { offset, code: 'TOO_MANY', message };
  }
  if (!CST.isScalar(token) || token.source.length <= MAX_TEXT) return undefined;
  const message = `a text of ${token.source.length} characters; none here has more than ${MAX_TEXT}`;
  return { offset, code: 'TOO_LARGE', message };
}

function isMap(token: CST.Token): token is CST.BlockMap | CST.FlowCollection {
  return token.type === 'block-map' || (token.type === 'flow-collection' && token.start.type === 'flow-map-start');
}

function childrenOf(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value];
  if (!CST.isCollection(token)) return [];
  return token.items.flatMap(({ key, value }) => [key, value]).filter((child) => child !== undefined && child !== null);
}
