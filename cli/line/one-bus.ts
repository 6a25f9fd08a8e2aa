import type { Environment } from './command.ts';
import type { InForce } from './contexts.ts';
import { type Failure, usage } from './failure.ts';
import { ACCESS_OPTIONS, type OptionName } from './options.ts';
import type { Settings } from './settings.ts';
import { variableOf } from './variable.ts';

/** Where options come from, the nearest first. */
export interface Sources {
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly env: Environment;
  readonly context: InForce | undefined;
  readonly settings: Settings;
}

/** Which bus, and as whom to go there: to the address of one source go no credentials of another. */
export const WHOSE: readonly OptionName[] = ['nats', 'root-subject', ...ACCESS_OPTIONS];
/** One of each says who this is; who says it with another takes all of it along. */
const TOGETHER: readonly (readonly OptionName[])[] = [
  ['creds', 'nkey', 'user', 'password-file', 'password', 'token-file', 'token'],
  ['tls-cert', 'tls-key'],
];

/**
 * Leaves of the sources what is about one bus. Where a context says which bus or as whom, neither the environment nor the
 * settings file says anything of either; where an address is nearer than the context, the context does not.
 * Errors: Failure USAGE, where two are equally near.
 */
export function ofOneBus(sources: Sources): Sources {
  const { given, env, context, settings } = sources;
  if (context === undefined || !saysBus(context)) return sources;
  const alone = { ...settings, values: without(settings.values, WHOSE) };
  const nearer = nearerThan(context, given, env);
  if (nearer !== undefined)
    return {
      given,
      env: { ...env, SHUNT_CONTEXT: undefined },
      context: { ...context, values: without(context.values, WHOSE) },
      settings: alone,
    };
  const replaced = TOGETHER.filter((some) => some.some((name) => given.has(name))).flat();
  const values = without(context.values, replaced);
  requirePassword(context, values, given);
  return {
    given,
    env: Object.fromEntries(Object.entries(env).filter(isOther)),
    context: { ...context, values },
    settings: alone,
  };
}

/** Whether a context says anything of a bus. */
export function saysBus({ values }: Pick<InForce, 'values'>): boolean {
  return WHOSE.some((name) => values.has(name));
}

/** What names an address nearer than a context, if anything does. Errors: Failure USAGE, where it is just as near. */
export function nearerThan(
  { by, name }: Pick<InForce, 'by' | 'name'>,
  given: Sources['given'],
  env: Environment,
): '--nats' | 'SHUNT_NATS' | undefined {
  if (given.has('nats')) {
    if (by === '--context') throw bothSay('--nats', '--context', name, 'leave one of them out');
    return '--nats';
  }
  if (by === '--context' || (env.SHUNT_NATS ?? '') === '') return undefined;
  if (by === 'SHUNT_CONTEXT')
    throw bothSay('SHUNT_NATS', 'SHUNT_CONTEXT', name, `unset one of them, or write --context ${name}`);
  return 'SHUNT_NATS';
}

/** The variables that say of a bus what does not count beside a context. */
export function passedOver(env: Environment): readonly string[] {
  return WHOSE.map(variableOf).filter((name) => (env[name] ?? '') !== '');
}

function bothSay(one: string, other: string, name: string, advice: string): Failure {
  return usage(`${one} and ${other} (${name}): each says which bus, and credentials are for one; ${advice}`);
}

function isOther([name]: readonly [string, unknown]): boolean {
  return !WHOSE.some((option) => variableOf(option) === name);
}

function without<T>(values: ReadonlyMap<OptionName, T>, names: readonly OptionName[]): ReadonlyMap<OptionName, T> {
  return new Map([...values].filter(([name]) => !names.includes(name)));
}

/** A password of the environment is for the bus of the environment. */
function requirePassword({ file, name }: InForce, values: InForce['values'], given: Sources['given']): void {
  if (!(given.has('user') || values.has('user')) || given.has('password-file') || values.has('password-file')) return;
  const where = given.has('user') ? `--user beside context ${name}` : `${file}: context ${name}: user`;
  const option = given.has('user') ? '--password-file' : 'password-file';
  throw usage(`${where} needs ${option} too; SHUNT_PASSWORD does not count beside a context, it may be of another bus`);
}
