import { type Described, type DescribedOption, quote, spellings } from './described.ts';

/** The script for zsh. */
export function zsh(commands: readonly Described[]): string {
  const listed = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`);
  return `#compdef shunt
# Completion of shunt for zsh; written by: shunt completion zsh
_shunt_ask() {
  local -a found=(\${(f)"$($shunt __complete $1 "$PREFIX" "\${(@)before}" 2>/dev/null)"})
  compadd -a found
}

_shunt() {
  local -a commands=(
${listed.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local shunt=\${words[1]} name=\${words[2]}
  local -a before=("\${(@)words[2,CURRENT-1]}")
  shift words
  ((CURRENT -= 1))
  case $name in
${commands.map((one) => `    ${one.name})\n${withVerbs(one, [])} ;;`).join('\n')}
  esac
}

if [ "$funcstack[1]" = _shunt ]; then _shunt "$@"; else compdef _shunt shunt; fi`;
}

/** `path`: the verbs that lead to it, which stand as its first operands. */
function withVerbs(command: Described, path: readonly string[]): string {
  const { verbs } = command;
  if (verbs.length === 0) return body(command, path);
  const cases = verbs.map((verb) => `      *' ${verb.name} '*)\n${withVerbs(verb, [...path, verb.name])} ;;`);
  return `      case " \${(j: :)before[2,-1]} " in
${cases.join('\n')}
      *)
${body(command, path)} ;;
      esac`;
}

function body({ options, words, asks, files, verbs }: Described, path: readonly string[]): string {
  const specs = options.flatMap((option) => spellings(option).map((text) => optionSpec(text, option)));
  const own = [...verbs.map(({ name }) => name), ...words];
  const first = [...path.map((verb) => [verb]), ...(own.length > 0 ? [own] : [])];
  specs.push(...first.map((some, at) => `'${at + 1}:word:(${some.join(' ')})'`));
  if (files) specs.push("'*:file:_files'");
  if (asks !== undefined) specs.push(`'*:name: _shunt_ask ${asks}'`);
  return `      _arguments \\
        ${specs.join(' \\\n        ')}`;
}

function optionSpec(text: string, { help, values, file, asks }: DescribedOption): string {
  const said = help.replaceAll(/[[\]:]/g, ' ');
  if (values === undefined) return quote(`*${text}[${said}]`);
  const listed = values.length > 0 ? `(${values.join(' ')})` : file ? '_files' : ' ';
  return quote(`*${text}[${said}]:value:${asks === undefined ? listed : ` _shunt_ask ${asks}`}`);
}
