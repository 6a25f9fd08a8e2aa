/** Keeps a cluster running to play with, `node up.ts [--hosts N]`, until a signal comes; then removes it. */
import { readArguments } from '../../test/support/arguments.ts';
import { Screen } from '../screen.ts';
import { interrupted } from '../signals.ts';
import { type Fallen, Lab, MAX_HOSTS, SERVICE, SITES } from './lab.ts';

const DEFAULT_URL = 'nats://127.0.0.1:4222';

function picture(lab: Lab, url: string): string {
  const { hosts } = lab;
  const { log, start } = lab.filesOf('edge-1');
  const names = hosts.length === 1 ? 'edge-1' : `edge-1 … edge-${hosts.length}`;
  return `
  A cluster on this machine: A asks ${SERVICE} "who answers?" through
  ${names}. B and C both have that address; the hosts route to B.
  All have the label role=edge; the odd ones site=${SITES.odd}, the even ones site=${SITES.even}.

  Try, in another terminal, in this folder:
${url === DEFAULT_URL ? '' : `\n    export SHUNT_NATS=${url}   # port 4222 is taken`}
    ./dev shunt apply -f examples/b-to-c.yaml   # C answers
    ./dev shunt hosts
    ./dev shunt status --host edge-1
    ./dev shunt dump --host edge-1
    ./dev shunt delete b-to-c                   # B answers again

  What an agent says, and what starts it again after you killed it:
    ${log}
    ${start}

  Ctrl-C ends it and removes everything.
`;
}

function farewell({ host, status, log, start }: Fallen): readonly string[] {
  return [
    `  The agent of ${host} ended with ${status}; its log, and what starts it again:`,
    `    ${log}`,
    `    ${start}`,
  ];
}

async function keep(lab: Lab, screen: Screen): Promise<never> {
  screen.begin('start');
  const url = await lab.startBus();
  await lab.startHosts(url, (fallen) => {
    for (const line of farewell(fallen)) screen.print(line);
  });
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

async function main(): Promise<number> {
  const { hosts: count } = readArguments('up', {
    hosts: { takes: 'number', from: 1, to: MAX_HOSTS, default: 3 },
  }).values;
  const signal = interrupted();
  using screen = new Screen(process.stdout);
  await using lab = await Lab.make(count);
  const status = await Promise.race([signal, keep(lab, screen)]);
  screen.print('  Removing everything.');
  return status;
}

process.exitCode = await main().catch((error: Error) => {
  console.error(`./dev up: ${error.message}`);
  return 1;
});
process.exit();
