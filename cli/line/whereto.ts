import type { Environment } from './command.ts';
import { findValues, readSources } from './command-line.ts';
import { contextInForce, type InForce } from './contexts.ts';
import { nearerThan, passedOver, saysBus, WHOSE } from './one-bus.ts';
import type { Option } from './option.ts';
import { BUS_OPTIONS, OPTIONS, type OptionName, optionOf } from './options.ts';

/** One option as commands have it, and who says so. */
export interface Said {
  readonly option: OptionName;
  readonly texts: readonly string[];
  readonly by: string;
}

/** Where commands go that name no context of their own, and why. */
export interface Whereto {
  readonly context: InForce | undefined;
  /** What names an address nearer than the context, which then does not count. */
  readonly beaten: string | undefined;
  readonly said: readonly Said[];
  /** Variables that are set and do not count beside the context. */
  readonly passedOver: readonly string[];
}

/** Errors: Failure USAGE, as every command has it. */
export async function whereto(env: Environment, given: ReadonlyMap<string, readonly string[]>): Promise<Whereto> {
  const context = await contextInForce(env, undefined);
  const sources = await readSources({ options: BUS_OPTIONS }, given, env);
  const shown = [...WHOSE, 'timeout' as const].filter((name) => name !== 'context');
  const said = shown.flatMap((option) => {
    const [texts, by] = findValues(option, optionOf(option), sources);
    if (texts.length > 0) return [{ option, texts: isSecret(option) ? ['(a secret)'] : texts, by: shortBy(by) }];
    const { fallback }: Option<unknown> = OPTIONS[option];
    return fallback === undefined ? [] : [{ option, texts: [fallback], by: 'default' }];
  });
  const counts = context !== undefined && saysBus(context);
  const beaten = counts ? nearerThan(context, given, env) : undefined;
  return { context, beaten, said, passedOver: counts && beaten === undefined ? passedOver(env) : [] };
}

function isSecret(name: OptionName): boolean {
  return (OPTIONS[name] as Option<unknown>).environmentOnly === true;
}

/** `FILE: context lab: nats` says more than a column has room for. */
function shortBy(by: string): string {
  return /: (context [^:]+): [^:]+$/.exec(by)?.[1] ?? by.replace(/: [^:]+$/, '');
}
