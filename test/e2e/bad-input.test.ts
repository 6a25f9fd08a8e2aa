import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LIMITS } from '../../agent/kernel/abi.ts';
import { serviceRedirect, startProduct } from '../support/operator.ts';
import { type Ended, must, run } from '../support/process.ts';
import { NATS_URL, Testbed } from '../support/testbed.ts';

const AS_NOBODY = join(import.meta.dirname, '../../tools/as-nobody');
const NO_NATS_URL = 'nats://127.0.0.1:1';

/** One clear sentence on standard error, nothing on standard output, and the status that scripts branch on. */
function refuses(t: ExecutionContext, { status, stdout, stderr }: Ended, wanted: number, words: RegExp): void {
  t.is(status, wanted, stderr);
  t.regex(stderr, words);
  t.is(stderr.trim().split('\n').length, 1, stderr);
  t.is(stdout, '');
}

/** Runs an agent as nobody that cannot start; `--state` and `--pin-root` are as given. */
async function failedAgent(bed: Testbed, state: string, pinRoot: string): Promise<Ended> {
  const options = ['--host', 'b', '--nats', NATS_URL, '--state', state, '--pin-root', pinRoot];
  return await run(bed.inside('b', [AS_NOBODY, 'agent', ...options]));
}

async function programsOn(bed: Testbed, device: string): Promise<string> {
  const [link] = JSON.parse(await must(['ip', '-j', '-n', bed.netns('b'), 'link', 'show', 'dev', device]));
  return JSON.stringify((link as { xdp?: unknown }).xdp ?? null);
}

test.serial('bad input: without bus, controller or agent a command says so and ends with 4', async (t) => {
  await using bed = await Testbed.make();
  const file = join(bed.folder, 'x.yaml');
  await writeFile(file, JSON.stringify({ redirects: [serviceRedirect('to-c', 'v4')] }));
  const commands = [
    ['apply', '-f', file],
    ['delete', 'to-c'],
    ['get'],
    ['hosts'],
    ['status', '--host', 'b'],
    ['dump', '--host', 'b'],
  ];
  for (const command of commands) {
    refuses(t, await bed.shunt('bus', ...command, '--nats', NO_NATS_URL), 4, /127\.0\.0\.1:1/);
  }
  await bed.startNats();
  for (const command of commands) {
    const who = command[0] === 'status' || command[0] === 'dump' ? /agent/ : /controller/;
    refuses(t, await bed.shunt('bus', ...command, '--nats', NATS_URL), 4, who);
  }
});

test.serial(
  'bad input: attach refuses what is not there, not allowed or not its own, and changes nothing',
  async (t) => {
    await using bed = await Testbed.make();
    refuses(t, await bed.attach('--interface', 'nope'), 1, /nope/);
    t.is((await run(['findmnt', bed.pinRoot])).status, 1, 'no bpffs is mounted for a refused attach');

    const unprivileged = ['attach', '--interface', 'to-a', '--pin-root', bed.pinRoot];
    refuses(t, await run(bed.inside('b', [AS_NOBODY, ...unprivileged])), 1, /root/);

    const attached = await bed.attach('--interface', 'to-a');
    t.is(attached.status, 0, attached.stderr);
    const before = await programsOn(bed, 'to-a');
    const elsewhere = ['attach', '--interface', 'to-a', '--interface', 'to-c', '--pin-root', join(bed.folder, 'other')];
    refuses(t, await bed.shunt('b', ...elsewhere), 1, /to-a.*program/);
    t.is(await programsOn(bed, 'to-a'), before);
    t.is(await programsOn(bed, 'to-c'), 'null', 'not even the interface that was free');

    const again = await bed.attach('--interface', 'to-a');
    t.is(again.status, 0, 'attaching twice is fine');
    t.is(await programsOn(bed, 'to-a'), before);

    await mkdir(join(bed.folder, 'full', 'of'), { recursive: true });
    refuses(
      t,
      await bed.shunt('b', 'attach', '--interface', 'to-c', '--pin-root', join(bed.folder, 'full')),
      1,
      /not empty/,
    );
  },
);

test.serial('bad input: pins of another layout are left as they are, by the loader and by the agent', async (t) => {
  await using bed = await Testbed.make();
  const version = bed.pins;
  const newer = join(bed.pinRoot, `v${LIMITS.SHUNT_LAYOUT + 1}`);
  await must(['sh', '-ec', `mkdir -m 711 ${bed.pinRoot} && mount -t bpf bpf ${bed.pinRoot} && mkdir ${newer}`]);
  refuses(t, await bed.attach('--interface', 'to-a'), 1, /another layout/);
  refuses(t, await failedAgent(bed, bed.state, bed.pinRoot), 1, /v2.*shunt attach/);

  // The same version, but a map that is not ours.
  await must(['sh', '-ec', `rmdir ${newer} && mkdir ${version}`]);
  const pin = join(version, 'redirect4');
  const shape = ['type', 'hash', 'key', '4', 'value', '8', 'entries', '1', 'name', 'redirect4'];
  await must(['bpftool', 'map', 'create', pin, ...shape]);
  await must(['chown', '-R', 'nobody', version]);
  const before = await must(['bpftool', '-j', 'map', 'show', 'pinned', pin]);
  refuses(t, await bed.attach('--interface', 'to-a'), 1, /another layout/);
  refuses(t, await failedAgent(bed, bed.state, bed.pinRoot), 1, /another layout/);
  t.is(await must(['bpftool', '-j', 'map', 'show', 'pinned', pin]), before);
  t.is(await programsOn(bed, 'to-a'), 'null');
});

test.serial(
  'bad input: an agent without bpffs, pins, permission or a state directory of its own does not start',
  async (t) => {
    await using bed = await Testbed.make();
    refuses(t, await failedAgent(bed, bed.state, join(bed.folder, 'nowhere')), 1, /shunt attach/);

    const notOwner = ['attach', '--interface', 'to-a', '--pin-root', bed.pinRoot, '--owner', 'root'];
    t.is((await bed.shunt('b', ...notOwner)).status, 0);
    refuses(t, await failedAgent(bed, bed.state, bed.pinRoot), 1, /EACCES|owner/);
    t.is((await bed.shunt('b', 'detach', '--pin-root', bed.pinRoot)).status, 0);

    const { agent, operator } = await startProduct(bed);
    refuses(t, await failedAgent(bed, bed.state, bed.pinRoot), 1, /another agent/);
    refuses(t, await failedAgent(bed, join(bed.folder, 'not-its-own'), bed.pinRoot), 1, /state directory/);
    t.is(agent.status, undefined, 'the first agent goes on');
    t.not(await operator.status(), undefined);
  },
);

const BAD_FILES: readonly (readonly [what: string, text: string, words: RegExp])[] = [
  ['malformed YAML', 'redirects:\n  - name: [x\n', /:[23].*YAML/],
  ['an unknown field', spec({ match: '{ dst: 203.0.113.10, proto: udp, dprot: 443 }' }), /:4.*dprot.*dport/s],
  ['a prefix with host bits', spec({ match: '{ src: 198.51.100.7/24 }' }), /:4.*198\.51\.100\.0\/24/s],
  ['mixed families', spec({ match: '{ src: 198.51.100.0/24, dst: "2001:db8::1" }' }), /:4/],
  ['a port without tcp or udp', spec({ match: '{ dst: 203.0.113.10, dport: 443 }' }), /:4.*(tcp|udp)/s],
  ['no address', spec({ match: '{ proto: udp }' }), /:4/],
  ['an action that is none', spec({ to: '{ mac: "02:00:00:00:00:01" }' }), /:5/],
  ['an action not supported yet', spec({ to: '{ encap: ipip, remote: 192.0.2.2 }' }), /:5.*not offered/is],
];

/** A file whose second redirect is the one in question: name at line 3, match at 4, to at 5. */
function spec({ match = '{ dst: 203.0.113.10 }', to = 'drop' }): string {
  return `redirects:\n  - { name: fine, hosts: all, match: { dst: 203.0.113.9 }, to: drop }\n  - name: bad\n    match: ${match}\n    to: ${to}\n    hosts: all\n`;
}

test.serial('bad input: a file with one bad redirect is refused whole, with file, line and reason', async (t) => {
  await using bed = await Testbed.make();
  await bed.startNats();
  await bed.startController();
  for (const [what, text, words] of BAD_FILES) {
    const file = join(bed.folder, 'bad.yaml');
    await writeFile(file, text);
    const { status, stderr } = await bed.shunt('bus', 'apply', '-f', file, '--nats', NATS_URL);
    t.true(status === 1 || status === 2, `${what}: ${status} ${stderr}`);
    t.true(stderr.includes('bad.yaml:'), `${what}: ${stderr}`);
    t.regex(stderr, words, what);
  }
  t.deepEqual(((await bed.ask('get')) as { items: unknown[] }).items, [], 'not even the good one was created');
});

test.serial(
  'bad input: messages that are malformed, foreign or of another version change nothing and are counted',
  async (t) => {
    await using bed = await Testbed.make();
    const { operator } = await startProduct(bed);
    const { rev } = await operator.apply(serviceRedirect('to-c', 'v4'));
    const before = await operator.applied(rev);
    const update = {
      v: 1,
      host: 'b',
      epoch: before.epoch,
      after: null,
      prev: rev,
      rev: rev + 1,
      digest: '0'.repeat(32),
      changes: [],
    };
    const bad = [
      '{',
      '[]',
      JSON.stringify({ ...update, v: 2 }),
      JSON.stringify({ ...update, host: 'c' }),
      JSON.stringify({ ...update, surprise: 1 }),
      ' '.repeat(600_000),
    ];
    for (const payload of bad) await publish(bed, 'shunt.v1.live.b', payload);

    const after = await operator.applied(rev);
    t.is(after.refused.total - before.refused.total, bad.length);
    t.deepEqual([after.digest, after.stored, after.counts], [before.digest, before.stored, before.counts]);
    t.is((await bed.entries('redirect4')).length, 1);
  },
);

/** Publishes through the wire protocol itself: nothing stands between the bytes and the subject. */
async function publish(bed: Testbed, subject: string, payload: string): Promise<void> {
  const { hostname, port } = new URL(NATS_URL);
  const program = `
    const socket = require('node:net').connect(${port}, '${hostname}');
    socket.on('data', (data) => { if (data.includes('PONG')) process.exit(0); });
    process.stdin.toArray().then((parts) => {
      const payload = Buffer.concat(parts);
      socket.write('CONNECT {"verbose":false}\\r\\nPUB ${subject} ' + payload.length + '\\r\\n');
      socket.write(payload);
      socket.write('\\r\\nPING\\r\\n');
    });`;
  await must(bed.inside('bus', [process.execPath, '-e', program]), payload);
}
