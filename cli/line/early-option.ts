import { didYouMean } from '../../protocol/near.ts';
import { onCommandLine } from './command-line.ts';
import { type Failure, usage } from './failure.ts';
import type { Option } from './option.ts';
import { OPTION_NAMES, OPTIONS } from './options.ts';

/** An option where the command belongs: what was probably meant, with what it takes and never what it was given. */
export function earlyOption(first: string, rest: readonly string[], commands: readonly string[]): Failure {
  const raw = first.replace(/=.*/s, '');
  if (/^(-v|-V|-version|--ver)$/.test(raw)) return usage(`unknown option ${raw}; ${didYouMean('--version')}`);
  const known = OPTION_NAMES.find((name) => [`--${name}`, `-${shortOf(name)}`].includes(raw));
  const meant = rest.find((word) => commands.includes(word));
  if (known === undefined) {
    const see = meant === undefined ? 'shunt --help' : `shunt ${meant} --help`;
    return usage(`unknown option ${raw}; the command comes first, see ${see}`);
  }
  const { placeholder, environmentOnly, help }: Option<unknown> = OPTIONS[known];
  if (environmentOnly === true) return onCommandLine(known, help);
  const option = placeholder === '' ? raw : `${raw} ${placeholder}`;
  const see = meant === undefined ? ', and see shunt --help' : '';
  return usage(`${raw} comes before the command; write shunt ${meant ?? 'COMMAND'} ${option}${see}`);
}

function shortOf(name: (typeof OPTION_NAMES)[number]): string | undefined {
  return (OPTIONS[name] as Option<unknown>).short;
}
