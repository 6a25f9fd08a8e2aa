import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** A real nats-server of our own on a free port of the loopback. */
export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  /** Kills the server as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Has it read its configuration file again; it does so in its own time. */
  reload(): void;
}

/** Starts a nats-server; `args` are added to its command line. Errors: Error when there is none, or it does not start. */
export async function startNats(...args: readonly string[]): Promise<NatsServer> {
  const port = await freePort();
  let server: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGKILL');
    await once(server, 'exit');
  };
  const start = async (): Promise<void> => {
    server = spawn(binary(), ['--addr', '127.0.0.1', '--port', String(port), ...args], { stdio: 'ignore' });
    await untilListening(server, port);
  };
  const reload = (): void => {
    server?.kill('SIGHUP');
  };
  await start().catch(async (error: unknown) => {
    await kill();
    throw error;
  });
  return { url: `nats://127.0.0.1:${port}`, kill, start, reload, [Symbol.asyncDispose]: kill };
}

/** The server that is named, that `./dev` unpacked, or that the machine has. */
function binary(): string {
  const named = process.env.SHUNT_NATS_SERVER;
  if (named !== undefined) return named;
  const unpacked = resolve(import.meta.dirname, '../../.cache/nats-server');
  if (!existsSync(unpacked)) return 'nats-server';
  const found = readdirSync(unpacked, { recursive: true, withFileTypes: true }).find(
    (entry) => entry.isFile() && entry.name === 'nats-server',
  );
  return found === undefined ? 'nats-server' : join(found.parentPath, found.name);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

async function untilListening(server: ChildProcess, port: number): Promise<void> {
  const deadlineMs = Date.now() + 300_000;
  let failure: Error | undefined;
  server.once('error', (error) => {
    failure = error;
  });
  while (!(await accepts(port))) {
    if (failure !== undefined) throw new Error('nats-server is missing: run ./dev setup', { cause: failure });
    if (server.exitCode !== null || Date.now() > deadlineMs) throw new Error(`nats-server does not listen on ${port}`);
    await setTimeout(20);
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
