import { command } from '../line/command.ts';
import { contextInForce } from '../line/contexts.ts';
import { EXIT } from '../line/failure.ts';
import { table } from '../show/table.ts';

export const contextShow = command({
  synopsis: '[NAME]',
  about: 'Shows a context: the named one, or the one that counts now and who chose it.',
  examples: ['shunt context show', 'shunt context show lab'],
  options: ['output'],
  operands: { placeholder: 'NAME', min: 0, max: 1, asks: 'contexts' },
  async run({ options, operands: [name], env, terminal }) {
    const found = await contextInForce(env, name, 'NAME');
    if (found === undefined) {
      terminal.print(options.output === 'json' ? '{}' : 'no context is in force');
      return EXIT.done;
    }
    const { file, by, values } = found;
    if (options.output === 'json') {
      const said = { name: found.name, file, by, options: Object.fromEntries(values) };
      terminal.print(JSON.stringify(said));
    } else {
      const how = by === 'NAME' ? '' : by === 'current' ? ', the current one' : `, by ${by}`;
      const rows = [...values].map(([option, texts]) => [option, texts.join(' ')]);
      const columns = [
        { title: 'OPTION', whole: true },
        { title: 'VALUE', below: true },
      ];
      terminal.print(
        [`${found.name} of ${file}${how}`, ...(rows.length > 0 ? [table(columns, rows, terminal)] : [])].join('\n\n'),
      );
    }
    return EXIT.done;
  },
});
