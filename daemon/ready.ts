import { spawnSync } from 'node:child_process';

/** systemd waits for it as long as for everything at a start, and goes on without. */
const WITHIN_MS = 5_000;

/**
 * Tells systemd that a service stands, if it wants to be told (sd_notify(3), `Type=notify`). By its own tool: Node.js sends no
 * datagrams to Unix sockets. As root the tool says so in our name.
 */
export function tellReady(env: NodeJS.ProcessEnv = process.env): void {
  if (env.NOTIFY_SOCKET === undefined) return;
  spawnSync('systemd-notify', ['--ready', `--pid=${process.pid}`], { env, stdio: 'ignore', timeout: WITHIN_MS });
}
