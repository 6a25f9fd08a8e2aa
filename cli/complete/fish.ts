import { type Described, type DescribedOption, quote } from './described.ts';

/** The script for fish. */
export function fish(commands: readonly Described[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const unseen = `not __fish_seen_subcommand_from help ${names}`;
  const lines = commands.flatMap((command) => [
    `complete -c shunt -n ${quote(unseen)} -a ${command.name} -d ${quote(command.summary)}`,
    ...linesOf(command, `__fish_seen_subcommand_from ${command.name}`),
  ]);
  return `# Completion of shunt for fish; written by: shunt completion fish
function __shunt_ask
  set -l before (commandline -opc)
  set -l shunt $before[1]
  set -e before[1]
  $shunt __complete $argv[1] (commandline -ct) $before 2>/dev/null
end
complete -c shunt -f
${lines.join('\n')}`;
}

/** `seen`: where these hold. */
function linesOf({ options, words, asks, files, verbs }: Described, seen: string): readonly string[] {
  const names = verbs.map(({ name }) => name).join(' ');
  const alone = names === '' ? seen : `${seen}; and not __fish_seen_subcommand_from ${names}`;
  const here = `complete -c shunt -n ${quote(alone)}`;
  return [
    ...options.map((option) => `${here}${optionLine(option)}`),
    ...verbs.map(({ name, summary }) => `${here} -a ${name} -d ${quote(summary)}`),
    ...(words.length > 0 ? [`${here} -a ${quote(words.join(' '))}`] : []),
    ...(files ? [`${here} -F`] : []),
    ...(asks !== undefined ? [`${here} -a ${quote(`(__shunt_ask ${asks})`)}`] : []),
    ...verbs.flatMap((verb) => linesOf(verb, `${seen}; and __fish_seen_subcommand_from ${verb.name}`)),
  ];
}

function optionLine({ long, short, help, values, file, asks }: DescribedOption): string {
  const names = `${short === undefined ? '' : ` -s ${short.slice(1)}`} -l ${long.slice(2)} -d ${quote(help)}`;
  if (values === undefined) return names;
  if (asks !== undefined) return `${names} -x -a ${quote(`(__shunt_ask ${asks})`)}`;
  if (file) return `${names} -r -F`;
  return `${names} -x${values.length > 0 ? ` -a ${quote(values.join(' '))}` : ''}`;
}
