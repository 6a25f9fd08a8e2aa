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

/** Reads YAML 1.2, core schema, into its documents, in a time that grows as the text does; or says what is too much. */
export function composeYaml(text: string, lines: LineCounter): readonly Document.Parsed[] | Excess {
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  for (const token of tokens) {
    const excess = excessOf(token);
    if (excess !== undefined) return excess;
  }
  return [
    ...new Composer({ prettyErrors: false, schema: 'core', stringKeys: true, logLevel: 'silent' }).compose(tokens),
  ];
}

/** Tells what `composeYaml` answered. */
export function isExcess(read: readonly Document.Parsed[] | Excess): read is Excess {
  return 'code' in read;
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
