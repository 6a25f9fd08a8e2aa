/** Shows the whole product on this machine, in network namespaces of its own, and leaves nothing behind. */
import { readArguments } from '../test/support/arguments.ts';
import { Testbed } from '../test/support/testbed.ts';
import { Screen } from './screen.ts';
import { untilInterrupted } from './signals.ts';
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
  using screen = new Screen(process.stdout);
  screen.print(PICTURE);
  return await untilInterrupted(
    () => Testbed.make(),
    (bed) => show(bed, screen),
    (text) => {
      screen.print(text);
      screen[Symbol.dispose](); // What the story says from here on comes from the removal.
    },
  );
}

process.exit(await main());
