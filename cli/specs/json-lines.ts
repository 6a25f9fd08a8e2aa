import { decodeJson, type JsonObject } from '../../protocol/json.ts';
import { Refused } from '../../protocol/refused.ts';
import type { FileProblem } from '../line/failure.ts';
import { reasonOf } from '../line/refusal.ts';
import type { Source } from './source.ts';
import { type Contents, MAX_PROBLEMS, type Written } from './written.ts';

const LINE_FEED = 10;

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

/** Reads one redirect a line; blank lines are skipped. */
export function readJsonLines({ name, bytes }: Source): Contents {
  const written: Written[] = [];
  const problems: FileProblem[] = [];
  for (const { text, line } of lines(bytes)) {
    if (problems.length >= MAX_PROBLEMS) break;
    if (isBlank(text)) continue;
    const value = decode(text);
    if (value instanceof Refused)
      problems.push({ file: name, line, path: value.path, code: value.code, message: describe(value) });
    else written.push({ value, locate: (path) => ({ file: name, line, path }) });
  }
  return { written, problems };
}

function* lines(bytes: Buffer): Generator<{ readonly text: Buffer; readonly line: number }> {
  for (let start = 0, line = 1; start < bytes.length; line++) {
    const found = bytes.indexOf(LINE_FEED, start);
    const end = found < 0 ? bytes.length : found;
    yield { text: bytes.subarray(start, end), line };
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
