import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';

export const detach = command({
  synopsis: '[--interface IF...]',
  about: `Detaches the program from the interfaces, or from all of them when none is named; with the last one the maps and their
counters go too. What is not attached is already detached. Needs root.`,
  examples: ['shunt detach', 'shunt detach --interface eth1'],
  options: ['interface', 'pin-root', 'output'],
  async run({ options, terminal }) {
    const [attaching, { loadNative }] = await Promise.all([
      import('../../agent/attach/attach.ts'),
      import('../../native/index.ts'),
    ]);
    const detached = attaching.detach(loadNative(), options['pin-root'], [...new Set(options.interface)]);
    if (options.output === 'json') terminal.print(JSON.stringify({ detached }));
    else if (detached.length === 0 && options.interface.length === 0) terminal.print('nothing was attached');
    for (const name of options.output === 'json' ? [] : linesFor(options.interface, detached)) terminal.print(name);
    return EXIT.done;
  },
});

function linesFor(asked: readonly string[], detached: readonly string[]): readonly string[] {
  const named = asked.length === 0 ? detached : asked;
  return named.map((name) => `${name}: ${detached.includes(name) ? 'detached' : 'was not attached'}`);
}
