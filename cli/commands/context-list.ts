import { command } from '../line/command.ts';
import { type Context, contextInForce, readContexts } from '../line/contexts.ts';
import { EXIT } from '../line/failure.ts';
import { nearerThan, saysBus } from '../line/one-bus.ts';
import type { OptionName } from '../line/options.ts';
import { type Cell, type Column, table } from '../show/table.ts';
import { notice } from '../show/terminal.ts';

const COLUMNS: readonly Column[] = [
  { title: '' },
  { title: 'NAME', whole: true },
  { title: 'NATS' },
  { title: 'AS' },
  { title: 'ROOT' },
];
/** Which of them says who comes. */
const IDENTITIES: readonly OptionName[] = ['creds', 'nkey', 'user', 'token-file', 'tls-cert'];

export const contextList = command({
  synopsis: '',
  about: 'Lists the contexts of this user. The one that counts now has an asterisk.',
  examples: ['shunt context list'],
  options: ['output'],
  async run({ options, written, env, terminal }) {
    const { file, contexts } = await readContexts(env);
    const chosen = contexts.length === 0 ? undefined : await contextInForce(env, undefined);
    const beaten = chosen && saysBus(chosen) ? nearerThan(chosen, written, env) : undefined;
    const inForce = beaten === undefined ? chosen : undefined;
    if (options.output === 'json') {
      const items = contexts.map(({ name, values }) => ({ name, options: Object.fromEntries(values) }));
      terminal.print(JSON.stringify({ file, current: inForce?.name ?? null, items }));
    } else if (contexts.length === 0) terminal.print(`no contexts; ${file} has none`);
    else
      terminal.print(
        table(
          COLUMNS,
          contexts.map((one) => row(one, one.name === inForce?.name)),
          terminal,
        ),
      );
    if (chosen !== undefined && beaten !== undefined)
      notice(
        terminal,
        `${beaten} says which bus, and comes before ${chosen.name}, the current one: see shunt context show`,
      );
    return EXIT.done;
  },
});

function row({ name, values }: Context, counts: boolean): Cell[] {
  const text = (option: OptionName): string => values.get(option)?.join(' ') ?? '-';
  const as = IDENTITIES.find((one) => values.has(one));
  const who = as === undefined ? '-' : `${as} ${text(as)}`;
  return [counts ? { text: '*', tone: 'good' } : '', name, text('nats'), who, text('root-subject')];
}
