import { mkdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { kernelTests } from '../support/kernel.ts';
import { Namespaces } from '../support/namespaces.ts';
import { type Ended, must, Running, run, until } from '../support/process.ts';
import { shuntCommand } from '../support/testbed.ts';

const kernel = kernelTests();
/** Whatever would take the program along has done so by then. */
const LATER_MS = 1000;
const WITHIN_MS = 120_000;

/** One host with an interface v0, and a folder on a tmpfs of its own, which is shared with whoever comes from here. */
class Bed implements AsyncDisposable {
  readonly #namespaces: Namespaces<'b'>;
  readonly folder: string;
  readonly pinRoot: string;

  private constructor(namespaces: Namespaces<'b'>) {
    this.#namespaces = namespaces;
    this.folder = join(namespaces.folder, 'shared');
    this.pinRoot = join(this.folder, 'bpf');
  }

  static async make(): Promise<Bed> {
    const bed = new Bed(await Namespaces.make(['b']));
    await mkdir(bed.folder);
    await must(['mount', '-t', 'tmpfs', 'tmpfs', bed.folder]);
    await must(['mount', '--make-shared', bed.folder]);
    for (const words of ['add v0 type veth peer v1', 'set v0 up', 'set v1 up'])
      await must(['ip', '-n', bed.netns, 'link', ...words.split(' ')]);
    return bed;
  }

  get netns(): string {
    return this.#namespaces.name('b');
  }

  inside(...argv: readonly string[]): string[] {
    return this.#namespaces.inside('b', argv);
  }

  /** The command line of `shunt attach`. */
  attach(pinRoot = this.pinRoot, ...more: readonly string[]): string[] {
    return shuntCommand(['attach', '--interface', 'v0', '--mode', 'generic', '--pin-root', pinRoot, ...more]);
  }

  async detach(): Promise<Ended> {
    return await run(this.inside(...shuntCommand(['detach', '--pin-root', this.pinRoot])));
  }

  async attached(): Promise<boolean> {
    const [link] = JSON.parse(await must(['ip', '-n', this.netns, '-j', 'link', 'show', 'v0'])) as { xdp?: object }[];
    return link?.xdp !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespaces[Symbol.asyncDispose]();
  }
}

/** Whether the program is attached a second after the command has ended, and stays so. */
async function attachedLater(bed: Bed): Promise<boolean> {
  await delay(LATER_MS);
  return await bed.attached();
}

async function refusedBeforehand(t: ExecutionContext, bed: Bed, ended: Ended, why: RegExp): Promise<void> {
  t.is(ended.status, 1, ended.stdout);
  t.regex(ended.stderr, why);
  t.false(await bed.attached());
  await t.throwsAsync(stat(bed.pinRoot), { code: 'ENOENT' }, 'the folder of the pins was not left behind');
}

const NOT_SEEN = /would go with/;

/** Runs the command, and takes away what was there before. */
const AND_AWAY = '{ "$@"; status=$?; umount "$0"; rmdir "$0"; exit $status; }';

/** Ways to run a command whose mounts go with it. */
const DOOMED: Readonly<Record<string, (bed: Bed) => readonly string[]>> = {
  'ip netns exec': (bed) => ['ip', 'netns', 'exec', bed.netns],
  'a shell in ip netns exec': (bed) => ['ip', 'netns', 'exec', bed.netns, 'sh', '-c', '"$@"; exit $?', 'sh'],
  'unshare --mount': (bed) => bed.inside('unshare', '--mount'),
  'mounts that only come in, as in a unit with PrivateMounts': (bed) =>
    bed.inside('unshare', '--mount', '--propagation', 'slave'),
  'a /run of its own': (bed) =>
    bed.inside(
      ...['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', 'mount -t tmpfs tmpfs "$0" && exec "$@"'],
      bed.folder,
    ),
  'a bpffs of its own, mounted before': (bed) =>
    bed.inside('unshare', '--mount', 'sh', '-c', `mkdir "$0" && mount -t bpf bpf "$0" && ${AND_AWAY}`, bed.pinRoot),
  'a container whose first process it is': (bed) => bed.inside('unshare', '--mount', '--pid', '--fork', '--mount-proc'),
  'a container whose first process waits for it': (bed) =>
    bed.inside(...['unshare', '--mount', '--pid', '--fork', '--mount-proc', 'sh', '-c', '"$@"; exit $?', 'sh']),
};

for (const [way, words] of Object.entries(DOOMED)) {
  kernel(`attach: refused, and nothing attached, by ${way}`, async (t) => {
    await using bed = await Bed.make();
    const ended = await run([...words(bed), ...bed.attach()]);
    t.false(ended.status === 0 && !(await attachedLater(bed)), 'attach answers 0 only for what stays');
    await refusedBeforehand(t, bed, ended, NOT_SEEN);
    t.true(ended.stderr.includes(`nsenter --net=/run/netns/${bed.netns} shunt attach`), ended.stderr);
  });
}

/** Ways in which the program stays. */
const LASTING: Readonly<Record<string, (bed: Bed) => readonly string[]>> = {
  'nsenter --net': (bed) => bed.inside(),
  'mounts that go both ways': (bed) => bed.inside('unshare', '--mount', '--propagation', 'unchanged'),
};

for (const [way, words] of Object.entries(LASTING)) {
  kernel(`attach: stays, by ${way}`, async (t) => {
    await using bed = await Bed.make();
    await must([...words(bed), ...bed.attach()]);
    t.true(await attachedLater(bed));
    t.is((await bed.detach()).status, 0);
    t.false(await bed.attached());
  });
}

kernel('attach: stays, by ip netns exec where the pins are on a mount that others have', async (t) => {
  await using bed = await Bed.make();
  await mkdir(bed.pinRoot);
  await must(['mount', '-t', 'bpf', 'bpf', bed.pinRoot]);
  await must(['ip', 'netns', 'exec', bed.netns, ...bed.attach()]);
  t.true(await attachedLater(bed));
  t.like(await bed.detach(), { status: 0, stdout: 'v0: detached\n' });
  t.false(await bed.attached());
});

kernel('attach: a pin root below a bpffs needs no mount of its own', async (t) => {
  await using bed = await Bed.make();
  await mkdir(bed.pinRoot);
  await must(['mount', '-t', 'bpf', 'bpf', bed.pinRoot]);
  const below = join(bed.pinRoot, 'below');
  await must(bed.inside(...bed.attach(below)));
  t.true(await attachedLater(bed));
  t.false((await readFile('/proc/self/mountinfo', 'utf8')).includes(below));
  await must(bed.inside(...shuntCommand(['detach', '--pin-root', below])));
  t.false(await bed.attached());
  await must(['umount', bed.pinRoot]);
});

kernel('attach: stays, by chroot', async (t) => {
  await using bed = await Bed.make();
  const root = join(bed.folder, 'root');
  await mkdir(root);
  // Read-only, and below a tmpfs: whatever clears the bed's folder cannot reach what is bound here.
  await must(['mount', '--bind', '-o', 'ro', '/', root]);
  for (const [type, folder] of Object.entries({ proc: 'proc', sysfs: 'sys', tmpfs: 'mnt' }))
    await must(['mount', '-t', type, type, join(root, folder)]);
  await must(bed.inside('chroot', root, ...bed.attach('/mnt/bpf')));
  t.true(await attachedLater(bed));
  await must(bed.inside('chroot', root, ...shuntCommand(['detach', '--pin-root', '/mnt/bpf'])));
  t.false(await bed.attached());
  await must(['umount', '--recursive', root]);
});

kernel('attach: refused, and nothing attached, where the pins cannot be written', async (t) => {
  await using bed = await Bed.make();
  const folder = join(bed.folder, 'sealed');
  await mkdir(folder);
  await must(['mount', '-t', 'tmpfs', '-o', 'ro', 'tmpfs', folder]);
  const below = await run(bed.inside(...bed.attach(join(folder, 'bpf'))));
  t.like(below, {
    status: 1,
    stderr: `shunt attach: make the folder ${folder}/bpf: EROFS; choose another --pin-root\n`,
  });
  await must(['mount', '-t', 'bpf', '-o', 'ro', 'bpf', folder]);
  const itself = await run(bed.inside(...bed.attach(folder)));
  t.is(itself.status, 1);
  t.regex(itself.stderr, /EROFS; choose another --pin-root/);
  t.false(await bed.attached());
  await must(['umount', folder, folder]);
});

kernel('attach: stays as long as the container that it was run in from outside', async (t) => {
  await using bed = await Bed.make();
  await using container = await Running.start(
    'container',
    bed.inside('unshare', '--mount', '--pid', '--fork', '--mount-proc', 'sleep', 'infinity'),
  );
  const first = await until('its first process', WITHIN_MS, async () => {
    const children = await readFile(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8');
    const pid = children.trim();
    return pid !== '' && (await readlink(`/proc/${pid}/exe`)).endsWith('/sleep') && pid;
  });
  const enter = ['nsenter', '--target', first, '--mount', '--pid', '--'];
  await must(bed.inside(...enter, ...bed.attach()));
  t.true(await attachedLater(bed));
  process.kill(Number(first), 'SIGKILL');
  await until('the program is gone', WITHIN_MS, async () => !(await bed.attached()));
});

kernel('attach: stays in a container that lives on, if that is said', async (t) => {
  await using bed = await Bed.make();
  const attach = bed.attach(bed.pinRoot, '--accept-private-pins');
  await using container = await Running.start(
    'container',
    bed.inside(
      ...['unshare', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c'],
      ...['"$@" && echo it lives on && exec sleep infinity', 'sh', ...attach],
    ),
  );
  await container.until('lives on', WITHIN_MS, () => container.lines.includes('it lives on'));
  t.true(await attachedLater(bed));
  await container.stop('SIGKILL');
  await until('the program is gone', WITHIN_MS, async () => !(await bed.attached()));
});

kernel('doctor: pins that process 1 does not see are told of, and no others', async (t) => {
  await using bed = await Bed.make();
  const attach = bed.attach(bed.pinRoot, '--accept-private-pins');
  const words = ['doctor', '--pin-root', bed.pinRoot, '--nats', 'nats://127.0.0.1:1', '-o', 'json'];
  const told = async (...before: readonly string[]): Promise<boolean> => {
    const { stdout } = await run(bed.inside(...before, ...shuntCommand(words)));
    const { findings } = JSON.parse(stdout) as { findings: { level: string; found: string }[] };
    return findings.some(({ level, found }) => level === 'warn' && found.includes('goes with these mounts'));
  };
  const shell = ['unshare', '--mount', 'sh', '-c', '"$@" && echo attached && exec sleep infinity', 'sh'];
  await using holder = await Running.start('holder of mounts', bed.inside(...shell, ...attach));
  await holder.until('attaches', WITHIN_MS, () => holder.lines.includes('attached'));
  t.true(await told('nsenter', '--target', `${holder.pid}`, '--mount', '--'));
  await holder.stop('SIGKILL');
  await until('the program is gone', WITHIN_MS, async () => !(await bed.attached()));
  await must(bed.inside(...bed.attach()));
  t.false(await told());
  await bed.detach();
});

kernel(
  'attach, doctor: where pins are unmounted and a process goes on with them, that one is to end first',
  async (t) => {
    await using bed = await Bed.make();
    await must(bed.inside(...bed.attach()));
    const shell = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', 'echo there && exec sleep infinity'];
    await using keeper = await Running.start('keeper', bed.inside(...shell));
    await keeper.until('has the mounts', WITHIN_MS, () => keeper.lines.includes('there'));
    await must(['umount', '--lazy', bed.pinRoot]);
    const mend = `end the agent (process ${keeper.pid}), then run shunt attach`;
    const again = await run(bed.inside(...bed.attach()));
    t.is(again.status, 1);
    t.true(again.stderr.includes(mend), again.stderr);
    const words = ['doctor', '--pin-root', bed.pinRoot, '--nats', 'nats://127.0.0.1:1', '-o', 'json'];
    t.true((await run(bed.inside(...shuntCommand(words)))).stdout.includes(mend));
    await keeper.stop('SIGKILL');
    await until('the program is gone', WITHIN_MS, async () => !(await bed.attached()));
    await must(bed.inside(...bed.attach()));
    await bed.detach();
  },
);

kernel('detach: a program whose pins are out of sight is told of', async (t) => {
  await using bed = await Bed.make();
  await must(bed.inside(...bed.attach()));
  const elsewhere = shuntCommand(['detach', '--pin-root', join(bed.folder, 'elsewhere')]);
  const { status, stdout } = await run(bed.inside(...elsewhere));
  t.is(status, 0);
  t.regex(stdout, /^nothing was attached\nnote: v0 carries the XDP program \d+, which is not pinned at .*elsewhere\n$/);
  t.true(await bed.attached());
  await bed.detach();
});
