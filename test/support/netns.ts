import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs a module in network and mount namespaces of its own and answers the JSON that it printed on its last line.
 * The namespaces go with the process: nothing to dispose of, and the host's netdevs and mounts are out of reach.
 * /sys is mounted anew, for it shows the netdevs of the namespace it was mounted in.
 */
export async function runInNamespace(module: URL, ...args: readonly string[]): Promise<unknown> {
  const inner = 'mount -t sysfs sysfs /sys && exec "$@"';
  const script = ['sh', '-c', inner, 'sh', process.execPath, '--expose-gc', fileURLToPath(module), ...args];
  const unshare = ['unshare', '--net', '--mount', '--propagation', 'private', ...script];
  // Threads that take turns on a CPU, because others want it, too, never meet.
  const { stdout } = await run('nice', ['-n', '-20', ...unshare], { timeout: 600_000 });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}

/** What a module counted in each of several runs, one after the other, added up: for what takes longer than one run may. */
export async function sumInNamespace(
  parts: number,
  module: URL,
  ...args: readonly string[]
): Promise<Readonly<Record<string, number>>> {
  const sums = new Map<string, number>();
  for (let part = 0; part < parts; part += 1) {
    const counts = (await runInNamespace(module, ...args)) as Readonly<Record<string, number>>;
    for (const [what, count] of Object.entries(counts)) sums.set(what, (sums.get(what) ?? 0) + count);
  }
  return Object.fromEntries(sums);
}

/** What a module run by `runInNamespace` prints: bytes as hex, bigint as decimal text. */
export function printResult(result: unknown): void {
  const plain = (_: string, value: unknown): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    return typeof value === 'bigint' ? String(value) : value;
  };
  console.log(JSON.stringify(result, plain));
}
