/** One run at a time on a machine: what touches the kernel is judged by what the whole machine has afterwards. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';

const PATH = '/run/shunt-test.lock';

/** Waits for the lock of the machine, and says so when another run has it. Released by disposing, or with this process. */
export async function lockMachine(print: (line: string) => void): Promise<AsyncDisposable> {
  const holder = await take(['--nonblock']);
  if (holder !== undefined) return holder;
  print(`# waiting for another run of tests on this machine${holderOf(PATH)}`);
  const late = await take([]);
  if (late === undefined) throw new Error(`flock ${PATH} failed`);
  return late;
}

/** flock keeps the lock for as long as its command runs, which is as long as its input is open. */
async function take(flags: readonly string[]): Promise<AsyncDisposable | undefined> {
  const flock = spawn('flock', [...flags, PATH, 'sh', '-c', 'echo locked && exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exit = once(flock, 'exit');
  const locked = await Promise.race([once(flock.stdout, 'data').then(() => true), exit.then(() => false)]);
  if (!locked) return undefined;
  return {
    async [Symbol.asyncDispose]() {
      flock.stdin.end();
      await exit;
    },
  };
}

/** Who has the lock, as far as /proc says. */
function holderOf(path: string): string {
  const inode = statSync(path).ino;
  const line = readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .find((row) => row.includes('FLOCK') && row.includes(`:${inode} `) && !row.includes('->'));
  const pid = line?.trim().split(/\s+/)[4];
  return pid === undefined ? '' : ` (process ${pid} has the lock)`;
}
