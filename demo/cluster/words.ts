import { BUS_URL, type Fallen, type Lab, SERVICE, SITES } from './lab.ts';

const DEFAULT_URL = 'nats://127.0.0.1:4222';

/** What the cluster is, and what to try. */
export function picture(lab: Lab, url: string): string {
  const { hosts } = lab;
  const names = hosts.length === 1 ? 'edge-1' : `edge-1 … edge-${hosts.length}`;
  const { netns, pins, state } = lab.surroundingsOf('edge-1');
  return `
  A asks ${SERVICE} "who answers?" through ${names}.
  B and C both have that address; the hosts route to B.
  All have the label role=edge; the odd ones site=${SITES.odd}, the even ones site=${SITES.even}.
${firstOf(url)}
  Try, in another terminal, in this folder:

    ./dev shunt apply -f examples/b-to-c.yaml --wait   # C answers
    ./dev shunt get
    ./dev shunt top
    ./dev shunt hosts
    ./dev shunt explain b-to-c
    ./dev shunt delete b-to-c --wait                   # B answers again
    ./dev shunt rollout start -f examples/b-to-c.yaml \\
      --soak 10s --reason demo --wait                  # in two waves

  As on edge-1 itself, which has its network, pins and state to itself:

    nsenter --net=${netns} \\
      ./dev shunt doctor --host edge-1 --nats ${BUS_URL} \\
      --pin-root ${pins} \\
      --state ${state}
    ./dev shunt bypass on \\
      --pin-root ${pins}
    ./dev shunt bypass off \\
      --pin-root ${pins}

  What each program says, and what starts it again after you killed it:

${filesOf(lab)}

  Ctrl-C ends it and removes everything.
`;
}

/** Without that, commands would ask whoever has the port. */
function firstOf(url: string): string {
  if (url === DEFAULT_URL) return '';
  return `
  First, in each terminal, for port 4222 is taken on this machine:

    export SHUNT_NATS=${url}
`;
}

function filesOf(lab: Lab): string {
  const files = [lab.filesOf('edge-1', 'agent'), lab.filesOf('bus', 'controller'), lab.filesOf('bus', 'nats-server')];
  return files.map(({ log, start }) => `    ${log}\n    ${start}`).join('\n');
}

/** What is said of a program that ended. */
export function farewell({ who, how, log, start }: Fallen): readonly string[] {
  const name = who.replace(/^t/, 'T');
  return [`  ${name} ${how}; its log, and what starts it again:`, `    ${log}`, `    ${start}`];
}
