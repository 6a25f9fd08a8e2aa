import { readFile, stat } from 'node:fs/promises';
import { readFault } from '../../daemon/read-fault.ts';
import { isObject } from '../../protocol/json.ts';
import { didYouMean, nearest } from '../../protocol/near.ts';
import { Failure, usage } from './failure.ts';
import type { Option } from './option.ts';
import { argumentsOf, OPTION_NAMES, OPTIONS, type OptionName } from './options.ts';

/** A settings file: option names and their values as texts. */
export interface Settings {
  readonly file: string;
  readonly values: ReadonlyMap<OptionName, readonly string[]>;
}

const MAX_BYTES = 1024 * 1024;
const DEFAULT_FILE = '/etc/shunt/shunt.yaml';
const NAMES: readonly string[] = argumentsOf(OPTION_NAMES).filter((name) => {
  const option: Option<unknown> = OPTIONS[name];
  return name !== 'config' && name !== 'context' && option.argumentOnly !== true;
});

/**
 * Reads a settings file: YAML, option names as keys, lists for those that repeat, `label` also as a map.
 * Without a name it is the machine's, which may be absent. Errors: Failure USAGE.
 */
export async function readSettings(name: string | undefined): Promise<Settings> {
  const file = name ?? DEFAULT_FILE;
  const values = new Map<OptionName, readonly string[]>();
  for (const [key, value] of Object.entries(await readDocument(file, name === undefined))) {
    if (!NAMES.includes(key)) throw unknownKey(file, key);
    if (value !== null) values.set(key as OptionName, textsOf(file, key, value));
  }
  return { file, values };
}

/** Reads a file of one YAML document, a map; empty where there is none and that is fine. Errors: Failure USAGE. */
export async function readDocument(file: string, mayBeAbsent: boolean): Promise<Readonly<Record<string, unknown>>> {
  const text = await readText(file, mayBeAbsent);
  return text.trim() === '' ? {} : parse(file, text);
}

async function readText(file: string, mayBeAbsent: boolean): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES) throw usage(`the settings file ${file} is longer than 1 MiB; name another with --config`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Failure) throw error;
    const fault = error as NodeJS.ErrnoException;
    if (fault.code === 'ENOENT' && mayBeAbsent) return '';
    throw usage(`cannot read the settings file ${file}: ${readFault(fault)}; name another with --config`);
  }
}

async function parse(file: string, text: string): Promise<Readonly<Record<string, unknown>>> {
  const [{ LineCounter }, { composeYaml }] = await Promise.all([import('yaml'), import('./bounded-yaml.ts')]);
  const lines = new LineCounter();
  const { documents, excess } = composeYaml(text, lines);
  const [tooMuch] = excess;
  if (tooMuch !== undefined) throw usage(`${file}:${lines.linePos(tooMuch.offset).line}: ${tooMuch.message}`);
  const [document, second] = documents;
  if (second !== undefined)
    throw usage(`${file}:${lines.linePos(second.range[0]).line}: expected one document, not more`);
  if (document === undefined) return {};
  const [fault] = document.errors;
  if (fault !== undefined) throw usage(`${file}:${lines.linePos(fault.pos[0]).line}: not valid YAML: ${fault.message}`);
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  if (value === null) return {};
  if (!isObject(value))
    throw usage(`${file}: expected option names and their values, e.g. \`nats: nats://127.0.0.1:4222\``);
  return value;
}

function unknownKey(file: string, key: string): Failure {
  const meant = nearest(key, NAMES);
  return usage(
    `${file}: unknown option "${key}"; ${meant === undefined ? `known: ${NAMES.join(', ')}` : didYouMean(meant)}`,
  );
}

/** The values of one key as texts. Errors: Failure USAGE. */
export function textsOf(file: string, key: string, value: unknown): readonly string[] {
  const option: Option<unknown> = OPTIONS[key as OptionName];
  const scalars =
    key === 'label' && isObject(value) ? Object.entries(value).map(([name, label]) => `${name}=${label}`) : value;
  const list = Array.isArray(scalars) ? scalars : [scalars];
  if (list.length > 1 && option.repeat !== true) throw usage(`${file}: ${key}: expected one value, not a list`);
  if (list.some((item) => typeof item === 'object')) throw usage(`${file}: ${key}: expected a plain value`);
  return list.map(String);
}
