import { lstatSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isMap, isScalar, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import { ExposedError, requireOwnFile, requireOwnFolder } from '../../daemon/private-file.ts';
import { readFault } from '../../daemon/read-fault.ts';
import { Refused } from '../../protocol/refused.ts';
import { DEFAULT_RULES, type GuardRules, parseRules } from './rules.ts';

const MAX_BYTES = 64 * 1024;

/** The guard file is not to be followed; the message says where and why, and what to do. */
export class GuardFileError extends Error {
  static {
    GuardFileError.prototype.name = 'GuardFileError';
  }
}

/** What a guard file says now; `text` tells one reading from another, and is undefined where there is no file. */
export interface GuardFile {
  readonly rules: GuardRules;
  readonly text: string | undefined;
}

/** Reads a host's guard; where there is no file, what stands for it. Errors: GuardFileError. */
export function readGuardFile(path: string): GuardFile {
  const text = readText(path);
  return { rules: text === undefined ? DEFAULT_RULES : parse(path, text), text };
}

function readText(path: string): string | undefined {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    requireOwnFolder(dirname(path));
    requireOwnFile(path);
    if ((stat.mode & 0o022) !== 0) {
      const mode = (stat.mode & 0o7777).toString(8);
      throw new GuardFileError(`${path} can be written to by others (mode ${mode}); chmod go-w ${path}`);
    }
    if (stat.size > MAX_BYTES) throw new GuardFileError(`${path} is longer than 64 KiB; a guard is not`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof GuardFileError) throw error;
    if (error instanceof ExposedError) throw new GuardFileError(`the guard ${path} is not used: ${error.message}`);
    throw new GuardFileError(`cannot read the guard ${path}: ${readFault(error as NodeJS.ErrnoException)}`);
  }
}

function parse(path: string, text: string): GuardRules {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, schema: 'core', stringKeys: true });
  const at = (offset: number): string => `${path}:${lines.linePos(offset).line}`;
  const [fault] = document.errors;
  if (fault !== undefined) throw new GuardFileError(`${at(fault.pos[0])}: not valid YAML: ${fault.message}`);
  try {
    return parseRules(document.toJS({ maxAliasCount: 0 }));
  } catch (error) {
    if (error instanceof ReferenceError) throw new GuardFileError(`${path}: aliases are not read here; write it out`);
    if (!(error instanceof Refused)) throw error;
    throw new GuardFileError(`${at(placeOf(document.contents, error))}: ${error.message}`);
  }
}

/** Where the field stands that was refused: its key, if it is one that nobody knows; or what it is missing from. */
function placeOf(root: ParsedNode | null, { path, code }: Refused): number {
  let node: unknown = root;
  let offset = root?.range[0] ?? 0;
  for (const step of path.split(/[.[\]]+/).filter((part) => part !== '')) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
      if (pair === undefined) break;
      offset = startOf(code === 'UNKNOWN_FIELD' ? pair.key : pair.value) ?? startOf(pair.key) ?? offset;
      node = pair.value;
    } else {
      node = (node as { items?: readonly unknown[] } | null)?.items?.[Number(step)];
      offset = startOf(node) ?? offset;
    }
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  const range = (node as { range?: readonly [number, number, number] | null } | null)?.range;
  return range?.[0];
}
