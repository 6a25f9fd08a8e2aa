import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { kernelTestsBeside } from '../support/kernel.ts';
import { Namespaces } from '../support/namespaces.ts';
import { type Ended, must, Running, run } from '../support/process.ts';
import { shuntCommand } from '../support/testbed.ts';

const kernel = kernelTestsBeside();
const WITHIN_MS = 120_000;

type Way = (argv: readonly string[]) => readonly string[];

/** One host with interfaces v0 and v1. */
class Bed implements AsyncDisposable {
  readonly #namespaces: Namespaces<'b'>;
  readonly pinRoot: string;

  private constructor(namespaces: Namespaces<'b'>) {
    this.#namespaces = namespaces;
    this.pinRoot = join(namespaces.folder, 'bpf');
  }

  static async make(): Promise<Bed> {
    const bed = new Bed(await Namespaces.make(['b']));
    for (const words of ['add v0 type veth peer v1', 'set v0 up', 'set v1 up'])
      await must(['ip', '-n', bed.#namespaces.name('b'), 'link', ...words.split(' ')]);
    return bed;
  }

  command(...words: readonly string[]): string[] {
    return this.#namespaces.inside('b', shuntCommand([...words, '--pin-root', this.pinRoot]));
  }

  attach(...more: readonly string[]): string[] {
    return this.command('attach', '--mode', 'generic', ...more);
  }

  shunt(...words: readonly string[]): Promise<Ended> {
    return run(this.command(...words));
  }

  /** The interfaces that have the program. */
  async attached(): Promise<string> {
    const links = JSON.parse(await must(['ip', '-n', this.#namespaces.name('b'), '-j', 'link', 'show'])) as {
      readonly ifname: string;
      readonly xdp?: object;
    }[];
    return links.flatMap(({ ifname, xdp }) => (xdp === undefined ? [] : [ifname])).join();
  }

  /** Starts one that waits to be kept, in a way of its own. */
  async wait(within: string, interfaces: readonly string[], way: Way = (argv) => argv): Promise<Running> {
    const names = interfaces.flatMap((name) => ['--interface', name]);
    const waiting = await Running.start('attach', way(this.attach(...names, '--confirm', within)));
    await waiting.until('it waits', WITHIN_MS, () =>
      waiting.lines.some((line) => /else it is detached again/.test(line)),
    );
    return waiting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespaces[Symbol.asyncDispose]();
  }
}

async function ends(t: ExecutionContext, waiting: Running, status: number, said: RegExp): Promise<void> {
  t.is(await waiting.ended, status, waiting.lines.join('\n'));
  t.regex(waiting.lines.join('\n'), said);
}

kernel(
  'attach --confirm: nobody keeps it, and a terminal that is gone is no answer: it is gone with all that it made',
  async (t) => {
    await using bed = await Bed.make();
    await using waiting = await bed.wait('5s', ['v0']);
    process.kill(waiting.pid ?? 0, 'SIGHUP');
    t.is(await bed.attached(), 'v0');
    await ends(t, waiting, 1, /nobody kept it in time: detached v0/);
    t.is(await bed.attached(), '');
    await t.throwsAsync(readdir(bed.pinRoot), { code: 'ENOENT' });
    t.regex((await bed.shunt('attach', '--keep')).stdout, /no attach --confirm waits here/);
  },
);

kernel(
  'attach --confirm: kept from elsewhere it stays, and a plain attach meanwhile is refused; what had the program before is not asked about, nor detached',
  async (t) => {
    await using bed = await Bed.make();
    {
      await using waiting = await bed.wait('10m', ['v0']);
      const other = await run(bed.attach('--interface', 'v1'));
      t.is(other.status, 1);
      t.regex(other.stderr.replaceAll(/\s+/g, ' '), /a shunt attach --confirm \(process \d+\) waits to be kept/);
      t.like(await bed.shunt('attach', '--keep'), { status: 0, stdout: 'kept: it stays attached\n' });
      await ends(t, waiting, 0, /kept: it stays attached/);
    }
    t.is(await bed.attached(), 'v0');
    const same = await run(bed.attach('--interface', 'v0', '--confirm', '10m'));
    t.like(same, { status: 0 });
    t.regex(same.stdout, /nothing is to be confirmed: all was attached before/);
    await using more = await bed.wait('10m', ['v0', 'v1']);
    t.is((await bed.attached()).split(',').length, 2);
    process.kill(more.pid ?? 0, 'SIGTERM');
    await ends(t, more, 1, /it was ended: detached v1/);
    t.is(await bed.attached(), 'v0');
  },
);

kernel(
  'attach --confirm: killed, it leaves what it attached, and says so to who keeps it; Enter on a terminal keeps it',
  async (t) => {
    await using bed = await Bed.make();
    await using killed = await bed.wait('10m', ['v0']);
    process.kill(killed.pid ?? 0, 'SIGKILL');
    await killed.ended;
    t.is(await bed.attached(), 'v0');
    t.regex((await bed.shunt('attach', '--keep')).stdout, /was killed, so nothing is detached: it stays attached/);
    t.is((await bed.shunt('detach')).status, 0);
    await t.throwsAsync(readdir(bed.pinRoot), { code: 'ENOENT' });

    await using waiting = await bed.wait('10m', ['v0'], onTerminal);
    t.true(waiting.lines.some((line) => line.includes('press Enter to keep it')));
    waiting.write('');
    await ends(t, waiting, 0, /kept: it stays attached/);
    t.is(await bed.attached(), 'v0');
  },
);

function onTerminal(argv: readonly string[]): readonly string[] {
  return ['script', '-qec', argv.map((word) => `'${word}'`).join(' '), '/dev/null'];
}
