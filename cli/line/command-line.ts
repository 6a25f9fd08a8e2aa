import { parseArgs } from 'node:util';
import { didYouMean } from '../../protocol/near.ts';
import type { AnyCommand, Environment } from './command.ts';
import { type Failure, usage } from './failure.ts';
import { optionAdvice } from './neighbours.ts';
import { ofOneBus, type Sources } from './one-bus.ts';
import type { Option } from './option.ts';
import { argumentsOf, OPTIONS, type OptionName, optionOf } from './options.ts';
import { orElse, reasonOf } from './refusal.ts';
import { readSettings } from './settings.ts';
import { variableOf } from './variable.ts';

/** The words after a command's name, sorted: what each option was given, and the rest. */
export interface Arguments {
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
  readonly help: boolean;
}

/** Sorts the words after a command's name. Errors: Failure USAGE. */
export function readArguments(name: string, command: AnyCommand, words: readonly string[]): Arguments {
  const names: readonly OptionName[] = ['config', ...command.options];
  const given = new Map<string, string[]>();
  const operands: string[] = [];
  let help = false;
  let before: Token | undefined;
  for (const token of tokensOf(words, names)) {
    if (token.kind === 'positional') operands.push(requireApart(token.value, before));
    before = token;
    if (token.kind !== 'option') continue;
    if (token.name === 'help') help = true;
    else addValue(name, given, names, token, command.bare?.includes(token.name as OptionName));
  }
  return { given, operands, help };
}

/** An operand; one that was meant for the option before it, which takes its value behind `=`, is refused. Errors: Failure USAGE. */
function requireApart(operand: string, before: Token | undefined): string {
  if (before?.kind !== 'option' || before.value !== undefined || !Object.hasOwn(OPTIONS, before.name)) return operand;
  const { bare, values = [] }: Option<unknown> = OPTIONS[before.name as OptionName];
  if (bare === undefined || !values.includes(operand)) return operand;
  throw usage(
    `unexpected argument "${operand}" after ${before.rawName}; ${didYouMean(`${before.rawName}=${operand}`)}`,
  );
}

/** Tells options, their values and operands apart; of an option that is not among these, nobody knows whether it takes a value. */
export function tokensOf(words: readonly string[], names: readonly OptionName[]): readonly Token[] {
  return parseArgs({ args: [...words], options: parseOptions(names), strict: false, tokens: true }).tokens;
}

/** Reads the options of a command: argument before environment before context before settings file before default. Errors: Failure USAGE. */
export async function readOptions(
  command: AnyCommand,
  { given }: Arguments,
  env: Environment,
): Promise<Readonly<Record<string, unknown>>> {
  const sources = await readSources(command, given, env);
  const result: Record<string, unknown> = {};
  for (const name of command.options) result[name] = readOption(name, command.formats, sources);
  return Object.freeze(result);
}

/** Checks how many operands there are. Errors: Failure USAGE, with what was probably meant. */
export function checkOperands(name: string, command: AnyCommand, { operands, given }: Arguments): void {
  const { placeholder, min, max } = command.operands ?? { placeholder: '', min: 0, max: 0 };
  if (operands.length < min) throw usage(`${placeholder} is missing; write shunt ${name} ${command.synopsis}`);
  const excess = operands[max];
  if (excess === undefined) return;
  const [first] = given.get('file') ?? [];
  if (first !== undefined && command.operands?.files === true)
    throw usage(
      `unexpected argument "${operands[0]}": -f takes one file; write -f ${first} -f ${operands[0]}, or -f FOLDER for all in it`,
    );
  const meant = max === 0 ? optionFor(command, given) : undefined;
  const after = max === 0 ? '' : ` after ${placeholder}`;
  const advice = meant === undefined ? `see shunt ${name} --help` : didYouMean(`${meant} ${excess}`);
  throw usage(`unexpected argument "${excess}"${after}; ${advice}`);
}

/** The option whose value a word without one probably is: one that was given and repeats, or the one that matters most and was not. */
function optionFor({ options, synopsis }: AnyCommand, given: Arguments['given']): string | undefined {
  const repeated = [...given.keys()].filter((name) => (OPTIONS[name as OptionName] as Option<unknown>).repeat === true);
  const important = ['file', 'interface', 'host'].filter((name) => !given.has(name));
  const [chosen] = [...repeated, ...important].filter((name) => {
    const { short }: Option<unknown> = OPTIONS[name as OptionName];
    return options.includes(name as OptionName) && (synopsis.includes(`--${name} `) || synopsis.includes(`-${short} `));
  });
  if (chosen === undefined) return undefined;
  return chosen === 'file' ? '-f' : `--${chosen}`;
}

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];
type OptionToken = Extract<Token, { kind: 'option' }>;

function addValue(
  command: string,
  given: Map<string, string[]>,
  names: readonly OptionName[],
  token: OptionToken,
  isBare = false,
): void {
  const { name, rawName, value, inlineValue } = token;
  if (!(names as readonly string[]).includes(name))
    throw usage(`unknown option ${rawName}; ${optionAdvice(command, rawName, argumentsOf(names))}`);
  const { flag, bare, environmentOnly, help }: Option<unknown> = OPTIONS[name as OptionName];
  if (environmentOnly === true) throw onCommandLine(name as OptionName, help);
  if (flag === true || isBare) {
    if (value !== undefined) throw usage(`${rawName} takes no value, and was given "${value}"`);
    given.set(name, [bare ?? '']);
    return;
  }
  if (bare !== undefined) {
    given.set(name, [value ?? bare]);
    return;
  }
  const [long = ''] = `${rawName.slice(1)}${value ?? ''}`.split('=');
  if (inlineValue && !rawName.startsWith('--') && (names as readonly string[]).includes(long))
    throw usage(`unknown option -${long}; ${didYouMean(`--${long}`)}`);
  if (value === undefined || (inlineValue === false && /^-./.test(value))) {
    throw usage(`${rawName} needs a value: ${rawName} ${OPTIONS[name as OptionName].placeholder}`);
  }
  const values = given.get(name);
  if (values === undefined) given.set(name, [value]);
  else values.push(value);
}

/** Where else a secret belongs. */
export function onCommandLine(name: OptionName, file: string): Failure {
  const elsewhere = `set ${variableOf(name)}, or write it into a file and name that with ${file}`;
  return usage(`--${name}: whoever lists processes would see a secret that stands here; ${elsewhere}`);
}

function parseOptions(names: readonly OptionName[]) {
  const entries = names.map((name) => {
    const { short, flag, bare }: Option<unknown> = OPTIONS[name];
    const type = flag === true || bare !== undefined ? 'boolean' : 'string';
    return [name, { type, multiple: true, ...(short !== undefined && { short }) }] as const;
  });
  return { ...Object.fromEntries(entries), help: { type: 'boolean', short: 'h' } } as const;
}

/** Reads what lies in files. Only what talks over a bus for somebody has a context: a daemon goes where its machine says. */
export async function readSources(
  command: Pick<AnyCommand, 'options'>,
  given: Arguments['given'],
  env: Environment,
): Promise<Sources> {
  const settings = await readSettings(given.get('config')?.at(-1) ?? env.SHUNT_CONFIG);
  const { options }: { readonly options: readonly OptionName[] } = command;
  if (!options.includes('context') || !options.includes('nats')) return { given, env, context: undefined, settings };
  const { contextInForce } = await import('./contexts.ts');
  const context = await contextInForce(env, given.get('context')?.at(-1));
  return ofOneBus({ given, env, context, settings });
}

function readOption(name: OptionName, formats: AnyCommand['formats'], sources: Sources): unknown {
  const option = optionOf(name, formats);
  const [values, source] = findValues(name, option, sources);
  return orElse(
    () => option.read(values),
    (refused) => usage(`${source}: ${reasonOf(refused)}`),
  );
}

/** The values of the nearest source that names an option, and how an error names that source. */
export function findValues(
  name: OptionName,
  option: Option<unknown>,
  { given, env, context, settings }: Sources,
): readonly [values: readonly string[], source: string] {
  const argument = given.get(name);
  if (argument !== undefined) return [argument, `--${name}`];
  if (option.argumentOnly === true) return [[], `--${name}`];
  const variable = variableOf(name);
  const text = env[variable] ?? '';
  if (text !== '')
    return [option.repeat === true ? text.split(/[\s,]+/).filter((part) => part !== '') : [text], variable];
  const ofContext = context?.values.get(name);
  if (ofContext !== undefined) return [ofContext, `${context?.file}: context ${context?.name}: ${name}`];
  const setting = settings.values.get(name);
  return setting === undefined ? [[], `--${name}`] : [setting, `${settings.file}: ${name}`];
}
