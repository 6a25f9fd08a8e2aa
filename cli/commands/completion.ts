import { type Commands, command } from '../line/command.ts';
import { EXIT, usage } from '../line/failure.ts';
import { argumentsOf, OPTIONS, type Option } from '../line/options.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** What a shell completes after one command. */
interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** The words that may stand as an operand. */
  readonly words: readonly string[];
}

interface CompletedOption {
  readonly long: string;
  readonly short: string | undefined;
  readonly help: string;
  /** Undefined for a flag, empty where any value may follow. */
  readonly values: readonly string[] | undefined;
  readonly file: boolean;
}

export const completion = command({
  synopsis: 'bash|zsh|fish',
  about: `Writes a script that completes commands, options and the values of options in a shell. To try it, read it into the
running shell; to keep it, write it where the shell looks.`,
  examples: [
    'source <(shunt completion bash)',
    'shunt completion bash > /etc/bash_completion.d/shunt',
    'shunt completion zsh > /usr/local/share/zsh/site-functions/_shunt',
    'shunt completion fish > ~/.config/fish/completions/shunt.fish',
  ],
  options: [],
  operands: { placeholder: 'bash|zsh|fish', min: 1, max: 1, values: SHELLS },
  async run({ operands: [given], terminal, commands: table }) {
    const shell = SHELLS.find((one) => one === given);
    if (shell === undefined) throw usage(`expected ${SHELLS.join(', ')}, not "${given}"`);
    const commands = await readCommands(table);
    terminal.print({ bash, zsh, fish }[shell](commands));
    return EXIT.done;
  },
});

async function readCommands(table: Commands): Promise<readonly Completed[]> {
  return Promise.all(
    Object.entries(table).map(async ([name, { summary, load, verbs = {} }]) => {
      const { options, operands } = await load();
      const taken = [...argumentsOf(options), 'config' as const].map((option) => describe(option, OPTIONS[option]));
      const help = { long: '--help', short: '-h', help: 'what it does and takes', values: undefined, file: false };
      return { name, summary, options: [...taken, help], words: [...Object.keys(verbs), ...(operands?.values ?? [])] };
    }),
  );
}

function describe(name: string, { short, help, flag, values = [], placeholder }: Option<unknown>): CompletedOption {
  return {
    long: `--${name}`,
    short: short === undefined ? undefined : `-${short}`,
    help,
    values: flag === true ? undefined : values,
    file: placeholder === 'FILE' || placeholder === 'DIR',
  };
}

function spellings({ long, short }: CompletedOption): readonly string[] {
  return short === undefined ? [long] : [short, long];
}

function bash(commands: readonly Completed[]): string {
  const cases = commands.map(({ name, options, words }) => {
    const taking = options.filter(({ values }) => values !== undefined);
    const values = taking.map((option) => `      ${spellings(option).join('|')}) ${bashValue(option)} ;;`);
    const all = [...options.flatMap(spellings), ...words].join(' ');
    return `  ${name})
    case $previous in
${values.join('\n')}
      *) _shunt_words ${quote(all)} ;;
    esac ;;`;
  });
  return `# Completion of shunt for bash; written by: shunt completion bash
_shunt_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current")
}

_shunt() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _shunt_words ${quote(['help', '--version', ...commands.map(({ name }) => name)].join(' '))}
    return
  fi
  case \${COMP_WORDS[1]} in
  help) ((COMP_CWORD == 2)) && _shunt_words ${quote(commands.map(({ name }) => name).join(' '))} ;;
${cases.join('\n')}
  esac
  return 0
}

complete -F _shunt shunt`;
}

function bashValue({ values = [], file }: CompletedOption): string {
  if (values.length > 0) return `_shunt_words ${quote(values.join(' '))}`;
  return file ? 'compopt -o default' : ':';
}

function zsh(commands: readonly Completed[]): string {
  const listed = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`);
  const cases = commands.map(({ name, options, words }) => {
    const specs = options.flatMap((option) => spellings(option).map((text) => zshSpec(text, option)));
    if (words.length > 0) specs.push(`'1:word:(${words.join(' ')})'`);
    return `    ${name})
      _arguments \\
        ${specs.join(' \\\n        ')} ;;`;
  });
  return `#compdef shunt
# Completion of shunt for zsh; written by: shunt completion zsh
_shunt() {
  local -a commands=(
${listed.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local name=\${words[2]}
  shift words
  ((CURRENT -= 1))
  case $name in
${cases.join('\n')}
  esac
}

if [ "$funcstack[1]" = _shunt ]; then _shunt "$@"; else compdef _shunt shunt; fi`;
}

function zshSpec(text: string, { help, values, file }: CompletedOption): string {
  const said = help.replaceAll(/[[\]:]/g, ' ');
  const value =
    values === undefined ? '' : `:value:${values.length > 0 ? `(${values.join(' ')})` : file ? '_files' : ' '}`;
  return quote(`*${text}[${said}]${value}`);
}

function fish(commands: readonly Completed[]): string {
  const unseen = `not __fish_seen_subcommand_from help ${commands.map(({ name }) => name).join(' ')}`;
  const lines = commands.flatMap(({ name, summary, options, words }) => {
    const here = `complete -c shunt -n ${quote(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `complete -c shunt -n ${quote(unseen)} -a ${name} -d ${quote(summary)}`,
      ...options.map((option) => `${here}${fishOption(option)}`),
      ...(words.length > 0 ? [`${here} -a ${quote(words.join(' '))}`] : []),
    ];
  });
  return ['# Completion of shunt for fish; written by: shunt completion fish', 'complete -c shunt -f', ...lines].join(
    '\n',
  );
}

function fishOption({ long, short, help, values, file }: CompletedOption): string {
  const names = `${short === undefined ? '' : ` -s ${short.slice(1)}`} -l ${long.slice(2)} -d ${quote(help)}`;
  if (values === undefined) return names;
  if (file) return `${names} -r -F`;
  return `${names} -x${values.length > 0 ? ` -a ${quote(values.join(' '))}` : ''}`;
}

/** In single quotes, as all three shells read them; what is quoted has none itself, but for apostrophes in help. */
function quote(text: string): string {
  return `'${text.replaceAll("'", '’')}'`;
}
