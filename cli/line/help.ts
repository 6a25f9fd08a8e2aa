import { fill } from '../show/terminal.ts';
import type { AnyCommand, Commands } from './command.ts';
import type { OptionName } from './options.ts';

const WIDTH = 80;

/** The help of `shunt` itself. */
export function overview(commands: Commands): string {
  return `Usage: shunt COMMAND [OPTION...]

Steers packets across a fleet: "packets from A to B go to C", in the kernel of
every host that it concerns.

Commands:
${listed(commands)}

  shunt COMMAND --help   what a command does and takes, with an example;
                         shunt help COMMAND is the same
  shunt --version        the version

Every option can also be set as an environment variable (--root-subject is
SHUNT_ROOT_SUBJECT) or by its name in /etc/shunt/shunt.yaml; an argument comes
before the environment, and the environment before the file.

Exit status: 0 done; 1 refused or failed; 2 wrong usage; 3 not (yet) converged
or timed out; 4 cannot reach the bus, the controller or the agent; 5 the disk
failed under the agent; 6 something would change (plan --exit-code).`;
}

/** The help of one command. */
export async function commandHelp(name: string, command: AnyCommand, verbs: Commands = {}): Promise<string> {
  const { argumentsOf, optionOf } = await import('./options.ts');
  const optionAs = (name: OptionName): Described => {
    const option = optionOf(name, command.formats);
    const { bare: _, ...alone } = option;
    return command.bare?.includes(name) ? { ...alone, placeholder: '' } : option;
  };
  const options = [...argumentsOf(command.options), 'config' as const].map((option) =>
    optionLine(option, optionAs(option), command.helps?.[option]),
  );
  const width = Math.max(...options.map(([left]) => left.length));
  return `Usage: ${['shunt', name, command.synopsis].filter((word) => word !== '').join(' ')}

${wrap(command.about)}
${verbList(name, verbs)}
Options:
${options.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')}

Example:
${command.examples.map((example) => `  ${example.replaceAll('\n', '\n  ')}`).join('\n')}`;
}

function verbList(name: string, verbs: Commands): string {
  if (Object.keys(verbs).length === 0) return '';
  return `\nCommands:\n${listed(verbs)}\n\n  shunt ${name} COMMAND --help   what it does and takes\n`;
}

function listed(commands: Commands): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  return Object.entries(commands)
    .map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
    .join('\n');
}

interface Described {
  readonly short?: string;
  readonly placeholder: string;
  readonly help: string;
  readonly fallback?: string;
  readonly repeat?: true;
  readonly bare?: string;
}

function optionLine(
  name: string,
  { short, placeholder, help, fallback, repeat, bare }: Described,
  own?: string,
): readonly [left: string, right: string] {
  const written = bare === undefined ? ` ${placeholder}` : `[=${placeholder}]`;
  const value = placeholder === '' ? '' : `${written}${repeat === true ? '...' : ''}`;
  const left = `${short === undefined ? '    ' : `-${short}, `}--${name}${value}`;
  return [left, own ?? (fallback === undefined ? help : `${help} (default: ${fallback})`)];
}

/** Fills lines of at most 80 columns; paragraphs are apart by an empty line. */
function wrap(text: string): string {
  const paragraphs = text.split('\n\n').map((paragraph) => paragraph.trim().replaceAll(/\s+/g, ' '));
  return paragraphs.map((paragraph) => fill(paragraph, WIDTH).join('\n')).join('\n\n');
}
