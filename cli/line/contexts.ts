import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { isObject } from '../../protocol/json.ts';
import { didYouMean, nearest } from '../../protocol/near.ts';
import type { Environment } from './command.ts';
import { type Failure, usage } from './failure.ts';
import type { Option } from './option.ts';
import { argumentsOf, CONTEXT_OPTIONS, OPTIONS, type OptionName } from './options.ts';
import { readDocument, textsOf } from './settings.ts';

/** A bus by a name of the operator's own: options and their values as texts, as in a settings file. */
export interface Context {
  readonly name: string;
  readonly values: ReadonlyMap<OptionName, readonly string[]>;
}

/** What the file of a user has. */
export interface Contexts {
  readonly file: string;
  readonly contexts: readonly Context[];
  /** The one that counts where none is named. */
  readonly current: string | undefined;
}

/** A context, and who chose it. */
export interface InForce extends Context {
  readonly file: string;
  readonly by: 'NAME' | '--context' | 'SHUNT_CONTEXT' | 'current';
}

const EXAMPLE = 'contexts: { lab: { nats: nats://127.0.0.1:4222 } }';

/** The file of this user; undefined where nobody says where a home is. What is not absolute does not count: XDG Base Directory 0.8. */
export function contextsFile({ XDG_CONFIG_HOME = '', HOME = '' }: Environment): string | undefined {
  if (isAbsolute(XDG_CONFIG_HOME)) return join(XDG_CONFIG_HOME, 'shunt/shunt.yaml');
  return isAbsolute(HOME) ? join(HOME, '.config/shunt/shunt.yaml') : undefined;
}

/** Reads the contexts of this user; one who has no such file has none. Errors: Failure USAGE. */
export async function readContexts(env: Environment): Promise<Contexts> {
  const file = contextsFile(env);
  if (file === undefined) return { file: '~/.config/shunt/shunt.yaml', contexts: [], current: undefined };
  if (!(await isThere(file))) return { file, contexts: [], current: undefined };
  const { contexts = {}, current, ...others } = await readDocument(file, true);
  const [strange] = Object.keys(others);
  if (strange !== undefined) throw usage(`${file}: unknown key "${strange}"; known: contexts, current`);
  if (!isObject(contexts)) throw usage(`${file}: contexts: expected names and their options, e.g. \`${EXAMPLE}\``);
  if (current !== undefined && current !== null && typeof current !== 'string')
    throw usage(`${file}: current: expected the name of a context`);
  const read = Object.entries(contexts).map(([name, value]) => readContext(file, name, value));
  return { file, contexts: read, current: current ?? undefined };
}

/** Finds a context by its name. Errors: Failure USAGE, with what was probably meant. */
export function requireContext({ file, contexts }: Contexts, name: string, by: string): Context {
  const found = contexts.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = contexts.map((one) => one.name);
  const near = nearest(name, names);
  const known = names.length === 0 ? `it has none; write one there, e.g. \`${EXAMPLE}\`` : `known: ${names.join(', ')}`;
  throw usage(`${by}: ${file} has no context "${name}"; ${near === undefined ? known : didYouMean(near)}`);
}

/** The context that counts: the named one, else the current one of the file; undefined where there is none. Errors: Failure USAGE. */
export async function contextInForce(
  env: Environment,
  named: string | undefined,
  how: InForce['by'] = '--context',
): Promise<InForce | undefined> {
  const read = await readContexts(env);
  const { file, current } = read;
  const fromEnvironment = (env.SHUNT_CONTEXT ?? '') === '' ? undefined : env.SHUNT_CONTEXT;
  const name = named ?? fromEnvironment ?? current;
  if (name === undefined) return undefined;
  const by = named !== undefined ? how : fromEnvironment !== undefined ? 'SHUNT_CONTEXT' : 'current';
  return { ...requireContext(read, name, by), file, by };
}

const NAMES: readonly OptionName[] = argumentsOf(CONTEXT_OPTIONS);

function readContext(file: string, name: string, value: unknown): Context {
  const where = `${file}: context ${name}`;
  if (!isObject(value))
    throw usage(`${where}: expected options and their values, e.g. \`nats: nats://127.0.0.1:4222\``);
  const values = new Map<OptionName, readonly string[]>();
  for (const [key, given] of Object.entries(value)) {
    const option = NAMES.find((one) => one === key);
    if (option === undefined) throw unknownOption(where, key);
    if (given !== null)
      values.set(
        option,
        textsOf(where, key, given).map((text) => placed(file, option, text)),
      );
  }
  return { name, values };
}

/** Files that a context names lie beside its own, where their names are not absolute. */
function placed(file: string, name: OptionName, text: string): string {
  const { placeholder }: Option<unknown> = OPTIONS[name];
  return placeholder === 'FILE' && text !== '' ? resolve(dirname(file), text) : text;
}

function unknownOption(where: string, key: string): Failure {
  const near = nearest(key, NAMES);
  return usage(
    `${where}: unknown option "${key}"; ${near === undefined ? `known: ${NAMES.join(', ')}` : didYouMean(near)}`,
  );
}

/**
 * Answers false where a user has no such file, also because the home that the environment names is another's: `su` and services
 * keep that of root. Whoever can write to it decides which bus this user talks to. Errors: Failure USAGE.
 */
async function isThere(file: string): Promise<boolean> {
  const found = await stat(file).catch((fault: NodeJS.ErrnoException) => fault);
  if (found instanceof Error) return !['ENOENT', 'EACCES'].includes(found.code ?? '');
  if ((found.mode & 0o002) !== 0) throw usage(`${file}: others can write to it; chmod o-w ${file}`);
  if (![0, process.geteuid?.()].includes(found.uid))
    throw usage(`${file} is of another user, who would choose your bus; set HOME to your own`);
  return true;
}
