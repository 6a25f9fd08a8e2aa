import { command } from './command.ts';
import { EXIT, usage } from './failure.ts';
import { bytesText } from './format.ts';
import { parseOwner } from './owner.ts';
import { type Cell, table } from './table.ts';

export const attach = command({
  synopsis: '--interface IF... --owner USER[:GROUP]',
  about: `Loads the program, pins its maps for their owner, and attaches it to the interfaces. Needs root. Done twice it changes
nothing; a program of somebody else is never replaced. Native mode is fast and needs the driver's support; auto
takes it where packets will get through, else generic, and says why.`,
  examples: ['shunt attach --interface eth0 --interface eth1 --owner shunt'],
  options: ['interface', 'owner', 'mode', 'pin-root', 'max-redirects', 'output'],
  async run({ options, terminal }) {
    if (options.interface.length === 0) throw usage('name at least one interface: --interface IF');
    const owner = parseOwner(options.owner);
    const [attaching, { loadNative }] = await Promise.all([
      import('../agent/attach/attach.ts'),
      import('../native/index.ts'),
    ]);
    const max = options['max-redirects'];
    const report = attaching.attach(loadNative(), {
      interfaces: [...new Set(options.interface)],
      owner,
      mode: options.mode,
      pinRoot: options['pin-root'],
      ...(max !== undefined && { maxRedirects: max }),
    });
    if (options.output === 'json') {
      terminal.print(JSON.stringify(report));
      return EXIT.done;
    }
    const rows = report.interfaces.map(({ name, mode, changed, why }): Cell[] => [
      name,
      mode,
      changed ? 'attached' : 'unchanged',
      why,
    ]);
    terminal.print(
      table([{ title: 'INTERFACE' }, { title: 'MODE' }, { title: 'CHANGE' }, { title: 'WHY' }], rows, terminal),
    );
    terminal.print(
      `maps for ${report.maxRedirects} redirects at ${report.pinRoot}, about ${bytesText(report.memoryBytes)}`,
    );
    return EXIT.done;
  },
});
