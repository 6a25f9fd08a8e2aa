import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { useContext } from '../line/use-context.ts';
import { notice } from '../show/terminal.ts';

export const contextUse = command({
  synopsis: 'NAME',
  about: `Makes a context the current one: it counts from now on, for every command of this user that names no other. The file is
replaced as a whole, and keeps its comments.`,
  examples: ['shunt context use lab'],
  options: ['output'],
  operands: { placeholder: 'NAME', min: 1, max: 1, asks: 'contexts' },
  async run({ options, operands: [name = ''], env, terminal }) {
    const { file, before } = await useContext(env, name);
    const said = before === undefined || before === name ? '' : `, and no more ${before}`;
    if (options.output === 'json') terminal.print(JSON.stringify({ file, current: name, before: before ?? null }));
    else terminal.print(`${before === name ? 'already ' : ''}${name}${said}`);
    const { SHUNT_CONTEXT = '' } = env;
    if (SHUNT_CONTEXT !== '' && SHUNT_CONTEXT !== name)
      notice(terminal, `SHUNT_CONTEXT is ${SHUNT_CONTEXT}, which comes before it in this shell`);
    return EXIT.done;
  },
});
