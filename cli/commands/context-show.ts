import { command, type Environment } from '../line/command.ts';
import { contextInForce, type InForce } from '../line/contexts.ts';
import { EXIT } from '../line/failure.ts';
import { type Whereto, whereto } from '../line/whereto.ts';
import { table } from '../show/table.ts';
import { notice, type Terminal } from '../show/terminal.ts';

export const contextShow = command({
  synopsis: '[NAME]',
  about: `Shows where commands go now, and who says so: the context that counts, and who chose it, or what comes before it. With a
name, what that context says.`,
  examples: ['shunt context show', 'shunt context show lab'],
  options: ['output'],
  operands: { placeholder: 'NAME', min: 0, max: 1, asks: 'contexts' },
  async run({ options, operands: [name], written, env, terminal }) {
    const json = options.output === 'json';
    if (name !== undefined) await showNamed(env, name, json, terminal);
    else showNow(await whereto(env, written), json, terminal);
    return EXIT.done;
  },
});

async function showNamed(env: Environment, name: string, json: boolean, terminal: Terminal): Promise<void> {
  const found = await contextInForce(env, name, 'NAME');
  if (found === undefined) return;
  const { file, by, values } = found;
  if (json) {
    terminal.print(JSON.stringify({ name, file, by, options: Object.fromEntries(values) }));
    return;
  }
  const rows = [...values].map(([option, texts]) => [option, texts.join(' ')]);
  const columns = [
    { title: 'OPTION', whole: true },
    { title: 'VALUE', below: true },
  ];
  terminal.print([`${name} of ${file}`, ...(rows.length > 0 ? [table(columns, rows, terminal)] : [])].join('\n\n'));
}

function showNow(found: Whereto, json: boolean, terminal: Terminal): void {
  const { context, beaten, said, passedOver } = found;
  if (json) {
    terminal.print(JSON.stringify(nowToJson(found)));
    return;
  }
  const columns = [{ title: 'OPTION', whole: true }, { title: 'VALUE', below: true }, { title: 'FROM' }];
  const rows = said.map(({ option, texts, by }) => [option, texts.join(' '), by]);
  terminal.print([headOf(context, beaten), table(columns, rows, terminal)].join('\n\n'));
  if (passedOver.length > 0)
    notice(terminal, `${passedOver.join(', ')}: set, and not for the bus of a context, so not sent there`);
}

function nowToJson({ context, beaten, said, passedOver }: Whereto): object {
  const { name, file, by, values = [] } = context ?? {};
  return {
    ...(context !== undefined && { name, file, by, options: Object.fromEntries(values) }),
    ...(beaten !== undefined && { beatenBy: beaten }),
    ...(passedOver.length > 0 && { passedOver }),
    now: said.map(({ option, texts, by }) => ({ option, values: texts, by })),
  };
}

function headOf(context: InForce | undefined, beaten: string | undefined): string {
  if (context === undefined) return 'no context is in force';
  const { name, file, by } = context;
  const whole = `${name} of ${file}, ${by === 'current' ? 'the current one' : `by ${by}`}`;
  return beaten === undefined ? whole : `${beaten} says which bus, and comes before ${whole}, which does not count`;
}
