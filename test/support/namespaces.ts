import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from './process.ts';

/**
 * Waits until its standard input ends, which it does even when we are killed, and then removes everything: the processes
 * in the namespaces, the mounts of the folder and below, the namespaces, the folder. The only way in which anything is removed.
 */
const REAPER = `
cat >/dev/null
folder=$1
shift
for pass in 1 2 3 4 5 6 7 8 9 10; do
  pids=$(for name; do ip netns pids "$name" 2>/dev/null; done)
  [ -n "$pids" ] || break
  kill -9 $pids 2>/dev/null
  sleep 0.05
done
while read -r _ path _; do
  case $path in "$folder" | "$folder"/*) umount -l "$path" ;; esac
done </proc/mounts
for name; do
  [ ! -e "/run/netns/$name" ] || ip netns del "$name"
done
rm -rf --one-file-system "$folder"
`;

/**
 * Network namespaces with names that nobody else has, and a folder that every user can enter. They are gone after
 * dispose, and also after our own end, however sudden.
 */
export class Namespaces<Name extends string> implements AsyncDisposable {
  readonly folder: string;
  readonly #prefix: string;
  readonly #reaper: ChildProcess;

  private constructor(folder: string, prefix: string, names: readonly Name[]) {
    this.folder = folder;
    this.#prefix = prefix;
    const full = names.map((name) => this.name(name));
    this.#reaper = spawn('sh', ['-c', REAPER, 'reaper', folder, ...full], {
      stdio: ['pipe', 'ignore', 'inherit'],
      detached: true,
    });
  }

  static async make<Name extends string>(names: readonly Name[]): Promise<Namespaces<Name>> {
    const folder = await mkdtemp(join(await realpath(tmpdir()), 'shunt-bed-'));
    await chmod(folder, 0o755);
    const made = new Namespaces(folder, `shunt-${process.pid}-${randomBytes(2).toString('hex')}`, names);
    try {
      // As on hosts that systemd has set up: what is mounted there later is seen by those with mounts of their own.
      await must(['mount', '--bind', folder, folder]);
      await must(['mount', '--make-shared', folder]);
      for (const name of names) await must(['ip', 'netns', 'add', made.name(name)]);
      return made;
    } catch (error) {
      await made[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The name under which `ip netns` knows it. */
  name(name: Name): string {
    return `${this.#prefix}-${name}`;
  }

  /**
   * The command that runs `argv` inside. Only the network differs: unlike `ip netns exec`, which mounts /sys anew and so
   * hides every bpffs below it.
   */
  inside(name: Name, argv: readonly string[]): string[] {
    return ['nsenter', `--net=/run/netns/${this.name(name)}`, '--', ...argv];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#reaper.exitCode !== null) return;
    const ended = once(this.#reaper, 'exit');
    this.#reaper.stdin?.end();
    await ended;
  }
}
