import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hasMapOpen, type Process, readProcess, whoHasOpen } from './processes.ts';

/**
 * The abstract socket by which agents before the claim knew one another. It is bound beside the claim for as long as such a
 * one may be started, and then goes, with this file. Any local user can take the name.
 */
const NAME = 'shunt-agent';

/** Listens on the socket of these maps; undefined where its name is taken. Errors: that of listening, for another reason. */
export async function bindSocket(instance: string): Promise<AsyncDisposable | undefined> {
  const server = createServer((socket) => socket.destroy());
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(`\0${NAME}/${instance}`, listening.resolve);
  try {
    await listening.promise;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
  server.unref();
  return server;
}

/** Whether the name is taken, in this network namespace. */
export function isBound(instance: string, proc = '/proc'): boolean {
  return inodeOf(instance, proc) !== undefined;
}

/** The process that holds the socket and these maps too: an agent. Whoever holds the socket alone is none. */
export function findOlderAgent(instance: string, controlId: number, proc = '/proc'): Process | undefined {
  const inode = inodeOf(instance, proc);
  if (inode === undefined) return undefined;
  const pid = whoHasOpen(`socket:[${inode}]`, proc).find((one) => hasMapOpen(one, controlId, proc));
  return pid === undefined ? undefined : readProcess(pid, proc);
}

function inodeOf(instance: string, proc: string): string | undefined {
  return new RegExp(`(\\d+) @${NAME}/${instance}@*$`, 'm').exec(readFileSync(`${proc}/net/unix`, 'utf8'))?.[1];
}
