import type { OptionName } from './options.ts';

/** The variable of the environment that is an option. */
export function variableOf(name: OptionName): string {
  return `SHUNT_${name.toUpperCase().replaceAll('-', '_')}`;
}
