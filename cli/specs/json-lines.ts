import { decodeJson, type JsonObject } from '../../protocol/json.ts';
import { Refused } from '../../protocol/refused.ts';
import type { FileProblem } from '../line/failure.ts';
import { reasonOf } from '../line/refusal.ts';
import type { Source } from './source.ts';
import type { Contents, Written } from './written.ts';

const LINE_FEED = 10;
/** Redirects that are read before what is done with them. */
const LINES_AT_ONCE = 500;

/** Tells whether a text is JSON lines: by its name, or by a first line that is a whole JSON object and no `redirects:` list. */
export function isJsonLines({ name, bytes }: Source): boolean {
  if (name.endsWith('.jsonl')) return true;
  for (const { text } of lines(bytes)) {
    if (isBlank(text)) continue;
    const first = decode(text);
    return !(first instanceof Refused) && first.redirects === undefined;
  }
  return false;
}

/** Reads one redirect a line, many at a time, and how far that came; blank lines are skipped. */
export function* readJsonLines({ name, bytes }: Source): Generator<Contents & { readonly readBytes: number }> {
  let [written, problems]: [Written[], FileProblem[]] = [[], []];
  for (const { text, line, end } of lines(bytes)) {
    const value = isBlank(text) ? undefined : decode(text);
    if (value instanceof Refused)
      problems.push({ file: name, line, path: value.path, code: value.code, message: describe(value) });
    else if (value !== undefined) written.push({ value, locate: (path) => ({ file: name, line, path }) });
    if (written.length + problems.length < LINES_AT_ONCE) continue;
    yield { written, problems, readBytes: end };
    [written, problems] = [[], []];
  }
  yield { written, problems, readBytes: bytes.length };
}

/** `end`: where the next one begins. */
function* lines(bytes: Buffer): Generator<{ readonly text: Buffer; readonly line: number; readonly end: number }> {
  for (let start = 0, line = 1; start < bytes.length; line++) {
    const found = bytes.indexOf(LINE_FEED, start);
    const end = found < 0 ? bytes.length : found;
    yield { text: bytes.subarray(start, end), line, end: Math.min(end + 1, bytes.length) };
    start = end + 1;
  }
}

function isBlank(text: Buffer): boolean {
  return text.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

function decode(text: Buffer): JsonObject | Refused {
  try {
    return decodeJson(text);
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}

function describe(refused: Refused): string {
  return refused.code === 'BAD_JSON' ? 'expected one whole JSON object a line' : reasonOf(refused);
}
