/** Keeps a cluster running to play with, `node up.ts [--hosts N]`, until a signal comes; then removes it. */
import { readArguments } from '../../test/support/arguments.ts';
import { Screen } from '../screen.ts';
import { untilInterrupted } from '../signals.ts';
import { Lab, MAX_HOSTS } from './lab.ts';
import { farewell, picture } from './words.ts';

async function keep(lab: Lab, screen: Screen): Promise<never> {
  screen.done(
    `A, B, C, the bus and ${lab.hosts.length === 1 ? '1 host' : `${lab.hosts.length} hosts`}, each in a network namespace`,
  );
  screen.begin('bus');
  const url = await lab.startBus();
  screen.done('nats-server and the controller');
  await startHosts(lab, screen, url);
  let last = '';
  await lab.startTraffic((line) => {
    last = line;
    if (!process.stdout.isTTY) screen.print(line);
  });
  screen.print(picture(lab, url));
  screen.begin('A asks');
  screen.live(() => last);
  return await new Promise<never>(() => {});
}

async function startHosts(lab: Lab, screen: Screen, url: string): Promise<void> {
  let ready = 0;
  screen.begin('hosts');
  screen.live(() => `${ready} of ${lab.hosts.length}`);
  await lab.startHosts(url, () => {
    ready += 1;
  });
  screen.live(() => '');
  screen.done('on each the XDP program, and an agent as nobody');
}

async function main(): Promise<number> {
  const { hosts } = readArguments('up', {
    hosts: { takes: 'number', from: 1, to: MAX_HOSTS, default: 3 },
  }).values;
  using screen = new Screen(process.stdout);
  screen.print('\n  A cluster on this machine:\n');
  screen.begin('network');
  const say = (text: string) => screen.print(text);
  const make = () => Lab.make(hosts, (fallen) => farewell(fallen).forEach(say));
  return await untilInterrupted(make, (lab) => keep(lab, screen), say);
}

process.exitCode = await main().catch((error: Error) => {
  console.error(`./dev up: ${error.message}`);
  return 1;
});
process.exit();
