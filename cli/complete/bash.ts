import { type Described, type DescribedOption, quote, spellings } from './described.ts';

/** The script for bash: all that is the same everywhere stands in it, and the rest is asked for. */
export function bash(commands: readonly Described[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  return `# Completion of shunt for bash; written by: shunt completion bash
_shunt_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current")
}

_shunt_ask() {
  mapfile -t COMPREPLY < <("\${COMP_WORDS[0]}" __complete "$1" "$current" "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)
}

_shunt() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} verbs
  COMPREPLY=()
  if [[ $current == '=' ]]; then current=; elif [[ $previous == '=' ]]; then previous=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  if ((COMP_CWORD == 1)); then
    _shunt_words ${quote(`help --version ${names}`)}
    return
  fi
  verbs=" \${COMP_WORDS[*]:2:COMP_CWORD-2} "
  case \${COMP_WORDS[1]} in
  help) ((COMP_CWORD == 2)) && _shunt_words ${quote(names)} ;;
${commands.map((one) => `  ${one.name})\n${withVerbs(one)} ;;`).join('\n')}
  esac
  return 0
}

complete -F _shunt shunt`;
}

function withVerbs(command: Described): string {
  const { verbs } = command;
  if (verbs.length === 0) return body(command);
  const cases = verbs.map((verb) => `    *' ${verb.name} '*)\n${withVerbs(verb)} ;;`);
  return `    case $verbs in
${cases.join('\n')}
    *)
${body(command)} ;;
    esac`;
}

function body({ options, words, asks, files, verbs }: Described): string {
  const taking = options.filter(({ values }) => values !== undefined);
  const values = taking.map((option) => `      ${spellings(option).join('|')}) ${value(option)} ;;`);
  const all = [...options.flatMap(spellings), ...verbs.map(({ name }) => name), ...words].join(' ');
  const asked = asks === undefined ? '' : `[[ $current == -* ]] || _shunt_ask ${asks}; ((\${#COMPREPLY[@]})) || `;
  const listed = files ? '[[ $current != -* ]] && compopt -o default && return; ' : asked;
  return `    case $previous in
${values.join('\n')}
      *) ${listed}_shunt_words ${quote(all)} ;;
    esac`;
}

function value({ values = [], file, asks }: DescribedOption): string {
  if (asks !== undefined) return `_shunt_ask ${asks}`;
  if (values.length > 0) return `_shunt_words ${quote(values.join(' '))}`;
  return file ? 'compopt -o default' : ':';
}
