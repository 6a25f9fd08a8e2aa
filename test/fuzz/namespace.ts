import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { INTERFACES } from './world.ts';

/** Set where a program was started again by `inNamespace`. */
const INSIDE = 'SHUNT_FUZZ_INSIDE';

/** Makes the interfaces by which frames come in; the loopback device is one of them. */
export function makeInterfaces(): void {
  const [, one, other] = INTERFACES;
  execFileSync('ip', `link add in${one} index ${one} type veth peer name in${other} index ${other}`.split(' '));
}

/** Starts this program again, in a network namespace of its own with interfaces, and does `body` there. */
export async function inNamespace(body: () => Promise<void>): Promise<void> {
  if (process.env[INSIDE] !== undefined) {
    makeInterfaces();
    return await body();
  }
  const argv = ['--net', process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn('unshare', argv, { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } });
  // A terminal sends SIGINT to both.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [status] = (await once(child, 'exit')) as [number | null];
  process.exitCode = status ?? 1;
}
