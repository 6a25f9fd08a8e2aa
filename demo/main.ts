/** Shows the whole product on this machine, in network namespaces of its own, and leaves nothing behind. */
import { readArguments } from '../test/support/arguments.ts';
import { Testbed } from '../test/support/testbed.ts';
import { Screen } from './screen.ts';
import { interrupted } from './signals.ts';
import { tell } from './story.ts';

const PICTURE = `
  Shunt: packets from A to B go to C, and back again

    a 198.51.100.10 ──── b 203.0.113.10 ──── c 203.0.113.10, too
                         │
                        bus: nats-server, controller, operator
`;

async function show(bed: Testbed, screen: Screen): Promise<number> {
  try {
    await tell(bed, screen);
    return 0;
  } catch (error) {
    screen.failed(...(error instanceof Error ? error.message : String(error)).split('\n'));
    return 1;
  }
}

async function main(): Promise<number> {
  readArguments('demo', {});
  const signal = interrupted();
  using screen = new Screen(process.stdout);
  screen.print(PICTURE);
  await using bed = await Testbed.make();
  const status = await Promise.race([signal, show(bed, screen)]);
  if (status > 128) screen.print('  Interrupted: removing everything.');
  screen[Symbol.dispose](); // What the story says from here on comes from the removal.
  return status;
}

process.exit(await main());
