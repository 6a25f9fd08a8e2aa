import type { Commands, Operands } from '../line/command.ts';
import type { Option } from '../line/option.ts';
import { argumentsOf, optionOf } from '../line/options.ts';

/** What a shell completes after one command. */
export interface Described {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly DescribedOption[];
  /** The words that may stand as an operand; those of commands of its own are not among them. */
  readonly words: readonly string[];
  /** What stands as an operand that is asked for. */
  readonly asks: Operands['asks'];
  /** Whether files stand as operands. */
  readonly files: boolean;
  readonly verbs: readonly Described[];
}

export interface DescribedOption {
  readonly long: string;
  readonly short: string | undefined;
  readonly help: string;
  /** Undefined for a flag, empty where any value may follow. */
  readonly values: readonly string[] | undefined;
  readonly file: boolean;
  readonly asks: Option<unknown>['asks'];
}

/** Describes commands in their order. */
export function describeAll(commands: Commands): Promise<readonly Described[]> {
  return Promise.all(
    Object.entries(commands).map(async ([name, { summary, load, verbs = {} }]) => {
      const { options, operands, formats, helps } = await load();
      const taken = [...argumentsOf(options), 'config' as const].map((option) =>
        describe(option, { ...optionOf(option, formats), ...(helps?.[option] && { help: helps[option] }) }),
      );
      return {
        name,
        summary,
        options: [...taken, HELP],
        words: operands?.values ?? [],
        asks: operands?.asks,
        files: operands?.files === true,
        verbs: await describeAll(verbs),
      };
    }),
  );
}

const HELP: DescribedOption = {
  long: '--help',
  short: '-h',
  help: 'what it does and takes',
  values: undefined,
  file: false,
  asks: undefined,
};

function describe(name: string, option: Option<unknown>): DescribedOption {
  const { short, help, flag, bare, values = [], placeholder, asks } = option;
  return {
    long: `--${name}`,
    short: short === undefined ? undefined : `-${short}`,
    help,
    values: flag === true || bare !== undefined ? undefined : values,
    file: placeholder === 'FILE' || placeholder === 'DIR',
    asks,
  };
}

export function spellings({ long, short }: DescribedOption): readonly string[] {
  return short === undefined ? [long] : [short, long];
}

/** In single quotes, as all three shells read them; what is quoted has none itself, but for apostrophes in help. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", '’')}'`;
}
