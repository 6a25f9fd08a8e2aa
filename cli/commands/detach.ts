import type { DetachReport } from '../../agent/attach/detach.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';

export const detach = command({
  synopsis: '[--interface IF...]',
  about: `Detaches the program from the interfaces, or from all of them when none is named; with the last one the maps and their
counters go too. What is not attached is already detached; offloads that attach switched off are put back. Needs root.`,
  examples: ['shunt detach', 'shunt detach --interface eth1'],
  options: ['interface', 'pin-root', 'output'],
  async run({ options, terminal }) {
    const [attaching, { loadNative }] = await Promise.all([
      import('../../agent/attach/detach.ts'),
      import('../../native/index.ts'),
    ]);
    const report = attaching.detach(loadNative(), options['pin-root'], [...new Set(options.interface)]);
    if (options.output === 'json') terminal.print(JSON.stringify(report));
    else for (const line of linesFor(options.interface, options['pin-root'], report)) terminal.print(line);
    return EXIT.done;
  },
});

function linesFor(
  asked: readonly string[],
  pinRoot: string,
  { detached, notRestored, carrying, removed }: DetachReport,
): readonly string[] {
  const named = asked.length === 0 ? detached : asked;
  return [
    ...(named.length === 0 ? [`nothing was attached${removed ? `; the pins at ${pinRoot} are removed` : ''}`] : []),
    ...named.map((name) => `${name}: ${detached.includes(name) ? 'detached' : 'was not attached'}`),
    ...notRestored.map(({ device, name, why }) => `warning: ${name} of ${device} was on, and is still off: ${why}`),
    ...carrying.map(
      ({ name, program }) => `note: ${name} carries the XDP program ${program}, which is not pinned at ${pinRoot}`,
    ),
  ];
}
