import { bash } from '../complete/bash.ts';
import { describeAll } from '../complete/described.ts';
import { fish } from '../complete/fish.ts';
import { zsh } from '../complete/zsh.ts';
import { command } from '../line/command.ts';
import { EXIT, usage } from '../line/failure.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const completion = command({
  synopsis: 'bash|zsh|fish',
  about: `Writes a script that completes commands, options and their values in a shell; also the names of redirects, hosts, sets and
contexts, for which it asks the controller of the line, a second at most. To try it, read it into the running shell; to keep
it, write it where the shell looks.`,
  examples: [
    'source <(shunt completion bash)',
    'shunt completion bash > /etc/bash_completion.d/shunt',
    'shunt completion zsh > /usr/local/share/zsh/site-functions/_shunt',
    'shunt completion fish > ~/.config/fish/completions/shunt.fish',
  ],
  options: [],
  operands: { placeholder: 'bash|zsh|fish', min: 1, max: 1, values: SHELLS },
  async run({ operands: [given], terminal, commands }) {
    const shell = SHELLS.find((one) => one === given);
    if (shell === undefined) throw usage(`expected ${SHELLS.join(', ')}, not "${given}"`);
    terminal.print({ bash, zsh, fish }[shell](await describeAll(commands)));
    return EXIT.done;
  },
});
