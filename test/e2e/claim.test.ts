import { chown, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Finding } from '../../agent/doctor/finding.ts';
import { STRUCTS } from '../../agent/kernel/abi.ts';
import { decodeAbout } from '../../agent/kernel/about.ts';
import { CONVERGE_MS } from '../support/operator.ts';
import { type Ended, must, type Running, run, until } from '../support/process.ts';
import { HOST, NATS_URL, NOBODY, Testbed } from '../support/testbed.ts';

const AS_NOBODY = join(import.meta.dirname, '../../tools/as-nobody');
/** Binds a name of the abstract namespace, and locks what it may, as a user that has nothing to do with Shunt. */
const STRANGER = `
import fcntl, os, socket, sys, time
os.setgid(1); os.setuid(1)
taken = socket.socket(socket.AF_UNIX); taken.bind("\\0" + sys.argv[1]); taken.listen()
try:
    fcntl.flock(os.open(sys.argv[2], os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
    print("locked", flush=True)
except PermissionError:
    print("refused", flush=True)
time.sleep(600)
`;

/** The word that the loader drew for the maps. */
async function instanceOf(bed: Testbed): Promise<string> {
  const path = join(bed.pins, 'about');
  const [{ value }] = JSON.parse(await must(['bpftool', '-j', 'map', 'dump', 'pinned', path])) as [{ value: string[] }];
  return decodeAbout(Uint8Array.from(value.slice(0, STRUCTS.about.size), Number)).instance;
}

async function makeState(bed: Testbed, name: string): Promise<string> {
  const path = join(bed.folder, name);
  await mkdir(path, { mode: 0o700 });
  await chown(path, NOBODY, NOBODY);
  return path;
}

/** A second agent, on another state directory: how it ends. */
async function second(bed: Testbed, name: string): Promise<Ended> {
  const words = ['agent', '--host', HOST, '--nats', NATS_URL, '--pin-root', bed.pinRoot];
  return await run(bed.inside('b', [AS_NOBODY, ...words, '--state', await makeState(bed, name)]));
}

async function doctor(bed: Testbed): Promise<string[]> {
  const words = [
    'doctor',
    '--pin-root',
    bed.pinRoot,
    '--state',
    bed.state,
    '--nats',
    NATS_URL,
    '--timeout',
    '100ms',
    '-o',
    'json',
  ];
  const { findings } = JSON.parse((await bed.shunt('b', ...words)).stdout) as { findings: Finding[] };
  return findings.filter(({ check }) => check === 'agent').map(({ level, found }) => `${level} ${found}`);
}

async function startsUp(bed: Testbed): Promise<Running> {
  const agent = await bed.startAgent();
  await until('the agent keeps the maps', CONVERGE_MS, async () =>
    (await doctor(bed)).some((it) => /^ok runs/.test(it)),
  );
  return agent;
}

function refused(t: ExecutionContext, { status, stderr }: Ended, pid: number | undefined): void {
  t.is(status, 1);
  t.regex(stderr, new RegExp(`another agent keeps these maps \\(process ${pid}[,)].*stop it first`));
}

test.serial(
  'claim: one agent or none, whoever has the socket, whatever its state directory, stopped or not',
  async (t) => {
    t.timeout(180_000);
    await using bed = await Testbed.make();
    t.is((await bed.attach('--interface', 'to-a')).status, 0);
    const claim = join(bed.pinRoot, 'agent');
    const { uid, gid, mode } = await stat(claim);
    t.deepEqual([uid, gid, mode & 0o777], [NOBODY, NOBODY, 0o700]);

    // A stranger has the socket, and may not have the claim.
    const name = `shunt-agent/${await instanceOf(bed)}`;
    const stranger = await bed.start('b', 'stranger', ['python3', '-c', STRANGER, name, claim]);
    await stranger.until('sits there', CONVERGE_MS, () => stranger.lines.includes('refused'));
    t.deepEqual(await doctor(bed), ['warn none runs; what it installed goes on, and nothing changes']);
    const agent = await startsUp(bed);
    t.true(agent.lines.some((line) => /"level":"warn".*somebody who is no agent has the socket/.test(line)));
    refused(t, await second(bed, 'with-a-stranger'), agent.pid);
    await stranger.stop('SIGKILL');

    // A stopped one keeps what it has, and is told by its number.
    process.kill(agent.pid ?? 0, 'SIGSTOP');
    refused(t, await second(bed, 'stopped'), agent.pid);
    t.deepEqual(await doctor(bed), [`warn process ${agent.pid} keeps these maps, and is stopped`]);
    process.kill(agent.pid ?? 0, 'SIGCONT');

    // Layouts share the claim, and the folder stays while an agent has it.
    t.is((await bed.shunt('b', 'detach', '--pin-root', bed.pinRoot)).status, 0);
    t.true((await stat(claim)).isDirectory());
    t.is((await bed.attach('--interface', 'to-a')).status, 0);
    refused(t, await second(bed, 'made-anew'), agent.pid);
    await agent.stop('SIGKILL');
    const next = await startsUp(bed);

    // One that knows of the socket alone: it has the maps, too.
    await must(['rmdir', claim]);
    refused(t, await second(bed, 'no-folder'), next.pid);
    t.is((await bed.attach('--interface', 'to-a')).status, 0);
    refused(t, await second(bed, 'another-folder'), next.pid);
    await next.stop();
    t.is((await bed.shunt('b', 'detach', '--pin-root', bed.pinRoot)).status, 0);
    await t.throwsAsync(stat(bed.pinRoot), { code: 'ENOENT' });
  },
);
